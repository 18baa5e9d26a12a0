"""What everybody may read: the signed tree, the key that verifies it, agreements and texts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import PUBLIC, published, sent
from adapters.http.api.commands import ROOT
from adapters.http.api.documents import files, reads
from adapters.http.api.fields import KindWord, Language, Version
from adapters.http.api.reader import Within
from adapters.http.api.route import ApiRoute
from application import offices
from application.receipts import NothingToProve
from domain.aggregates import terms
from domain.events.terms import TextKind

TEXT = "text/plain; charset=utf-8"

router = APIRouter(route_class=ApiRoute, tags=["public"], prefix="/public")


@router.get(
    "/checkpoint",
    response_class=Response,
    responses={**reads(404, public=True), 200: files(TEXT)},
)
def checkpoint(request: Request, site: Within) -> Response:
    """The newest signed checkpoint of the log, a C2SP note."""
    signed = site.press.publisher.published()
    if signed is None:
        raise NothingToProve
    return sent(request, site.services, signed.note, media_type=TEXT, headers=PUBLIC)


@router.get("/key", response_class=Response, responses={**reads(public=True), 200: files(TEXT)})
def key(request: Request, site: Within) -> Response:
    """The public key that checkpoints and receipts are verified with."""
    content = f"{site.verifier.encode()}\n".encode()
    return sent(request, site.services, content, media_type=TEXT, headers=PUBLIC)


@router.get("/agreements", response_model=models.Agreements, responses=reads(public=True))
def agreements(request: Request, site: Within) -> Response:
    """What the metropolis and the operators agreed on, ended agreements too."""
    told = [
        models.Agreement(
            id=stream,
            operator=state.signed.operator,
            reference=state.signed.reference,
            status=state.status,
            channels=list(state.signed.channels),
            categories=list(state.signed.categories),
            first_day=state.signed.first_day,
            last_day=state.signed.last_day,
        )
        for stream, state in site.services.register.read().agreements.items()
        if state.signed is not None
    ]
    return published(request, site.services, models.Agreements(agreements=told))


@router.get("/texts", response_model=models.Texts, responses=reads(public=True))
def texts(request: Request, site: Within) -> Response:
    """Every version of every text that residents were ever shown."""
    told = [
        models.TextVersion(
            kind=state.kind,
            version=one.version,
            language=one.language,
            sha256=one.sha256,
            current=one.version == terms.current_version(state),
            location=f"{ROOT}/public/texts/{state.kind.value}/{one.version}/{one.language}",
        )
        for state in site.services.register.read().texts.values()
        if state.kind is not None
        for one in state.versions
    ]
    return published(request, site.services, models.Texts(texts=told))


@router.get(
    "/texts/{kind}/{version}/{language}",
    response_model=models.Wording,
    responses=reads(404, public=True),
)
def text(
    request: Request,
    site: Within,
    kind: KindWord,
    version: Annotated[Version, Path()],
    language: Annotated[Language, Path()],
) -> Response:
    """One version of a text, letter by letter."""
    which = TextKind(kind)
    found = offices.shown_text(site.services, which, version=version, language=language)
    told = models.Wording(
        kind=which, version=found.version, language=found.language, text=found.text
    )
    return published(request, site.services, told)
