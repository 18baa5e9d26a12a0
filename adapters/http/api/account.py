"""The account: how it stands, its terms, its erasure; and what became of a write."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import require_unchanged, shown
from adapters.http.api.commands import Write, become, carry
from adapters.http.api.documents import body_of, reads, writes
from adapters.http.api.reader import IdempotencyKey, Reader, Sent, Visiting, Within, body
from adapters.http.api.route import ApiRoute
from adapters.http.site import Site
from application import residents, viewing

router = APIRouter(route_class=ApiRoute, tags=["account"])


@router.get("/session", response_model=models.Session, responses=reads())
def session(request: Request, site: Within, visiting: Visiting) -> Response:
    """Who is signed in, and the token that each of their writes carries."""
    told = models.Session(account=visiting.account, form_token=visiting.form_token)
    return shown(request, site.services, told)


@router.get("/account", response_model=models.Account, responses=reads(404))
def account(request: Request, site: Within, who: Reader) -> Response:
    """My account, and whether terms wait to be accepted."""
    return shown(request, site.services, _account(site, who))


@router.post(
    "/account/terms-acceptance",
    response_model=models.Done,
    responses=writes(),
    openapi_extra=body_of(models.Acceptance),
)
def accept_terms(
    site: Within,
    who: Reader,
    key: IdempotencyKey,
    sent: Annotated[Sent[models.Acceptance], Depends(body(models.Acceptance))],
) -> Response:
    """Accept the terms of use in force."""
    write = Write(owner=who, key=key, kind="terms-acceptance", content=sent.spelling)

    def act(command: UUID) -> None:
        told = sent.told
        residents.accept(
            site.services, who, version=told.version, language=told.language, command=command
        )

    return carry(site.services, site.askings, write, act)


@router.post("/account/erasure-request", response_model=models.Done, responses=writes(412))
def request_erasure(request: Request, site: Within, who: Reader, key: IdempotencyKey) -> Response:
    """Ask that my account be erased; an administrator validates it within a month."""
    require_unchanged(request, site.services, lambda: _account(site, who))
    write = Write(owner=who, key=key, kind="erasure-request", content=b"")

    def act(command: UUID) -> None:
        site.desk.request(who, command=command)

    return carry(site.services, site.askings, write, act)


@router.get("/commands/{command}", response_model=models.Command, responses=reads(404))
def command_status(request: Request, site: Within, who: Reader, command: UUID) -> Response:
    """What became of a write of mine; the ledger's own answer."""
    return shown(request, site.services, become(site.services, site.askings, who, command))


def _account(site: Site, who: UUID) -> models.Account:
    return models.Account.model_validate(viewing.overview(site.services, who))
