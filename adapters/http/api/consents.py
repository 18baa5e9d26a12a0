"""Consents: granted, refused, withdrawn, with the words that were shown and the receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from adapters.http.api import models
from adapters.http.api.answers import page_of, require_unchanged, sent, shown
from adapters.http.api.commands import ROOT, Write, carry
from adapters.http.api.documents import body_of, files, reads, writes
from adapters.http.api.reader import (
    UNDER_TERMS,
    IdempotencyKey,
    Paging,
    Reader,
    Sent,
    Within,
    body,
)
from adapters.http.api.route import ApiRoute
from adapters.http.site import Site
from application import consenting, inbox, offices, receipts, viewing
from application.consenting import Wish
from application.viewing import Use
from domain.aggregates.consent import ConsentStatus
from domain.events.terms import TextKind
from domain.values import Category

CHANNEL: Final = "api"
PROOF: Final = "application/vnd.metroledger.tlog-proof"

router = APIRouter(route_class=ApiRoute, tags=["consents"])


@router.get("/consents", response_model=models.Consents, responses=reads(404))
def consents(request: Request, site: Within, who: Reader, paging: Paging) -> Response:
    """What I ever consented to or refused, in the order of my answers."""
    page, following = page_of(_consents(site, who), lambda one: one.id.hex, paging)
    return shown(request, site.services, models.Consents(consents=list(page), next=following))


@router.post(
    "/consents",
    status_code=201,
    response_model=models.Done,
    responses=writes(),
    openapi_extra=body_of(models.Yes),
    dependencies=UNDER_TERMS,
)
def grant(
    site: Within,
    who: Reader,
    key: IdempotencyKey,
    sent: Annotated[Sent[models.Yes], Depends(body(models.Yes))],
) -> Response:
    """Consent to one category, for one recipient, in the words of one wording version."""
    told = sent.told
    wish = replace(
        _wish(told, "POST /api/v1/consents", told.holder),
        years=told.years,
        last_day=told.last_day,
        first_day=told.first_day,
    )
    write = Write(owner=who, key=key, kind="consent", content=sent.spelling, about=told.meter)

    def act(command: UUID) -> None:
        consenting.grant_consent(site.services, who, told.meter, wish, command=command)

    return carry(site.services, site.askings, write, act)


@router.post(
    "/refusals",
    status_code=201,
    response_model=models.Done,
    responses=writes(),
    openapi_extra=body_of(models.No),
)
def refuse(
    site: Within,
    who: Reader,
    key: IdempotencyKey,
    sent: Annotated[Sent[models.No], Depends(body(models.No))],
) -> Response:
    """Refuse what was asked; the refusal is kept with the same evidence as a consent."""
    told = sent.told
    wish = _wish(told, "POST /api/v1/refusals")
    write = Write(owner=who, key=key, kind="refusal", content=sent.spelling, about=told.meter)

    def act(command: UUID) -> None:
        consenting.refuse_consent(site.services, who, told.meter, wish, command=command)

    return carry(site.services, site.askings, write, act)


@router.get("/consents/{consent}", response_model=models.Consent, responses=reads(404))
def consent(request: Request, site: Within, who: Reader, consent: UUID) -> Response:
    """One of my consents or refusals, as it stands."""
    return shown(request, site.services, _consent(site, who, consent))


@router.post("/consents/{consent}/withdrawal", response_model=models.Done, responses=writes(412))
def withdraw(
    request: Request, site: Within, who: Reader, key: IdempotencyKey, consent: UUID
) -> Response:
    """Withdraw a consent, for good and at once. Needs no reason and waits for nothing."""
    viewing.authorise(site.services, who, consent, Use.ACCESS)
    require_unchanged(request, site.services, lambda: _consent(site, who, consent))
    write = Write(owner=who, key=key, kind="withdrawal", content=b"", about=consent)

    def act(command: UUID) -> None:
        inbox.withdraw(site.services, who, consent, command)

    return carry(site.services, site.askings, write, act)


@router.get("/consents/{consent}/wording", response_model=models.Wording, responses=reads(404))
def wording(request: Request, site: Within, who: Reader, consent: UUID) -> Response:
    """What I was shown when I answered, letter by letter."""
    given = _consent(site, who, consent)
    text = offices.shown_text(
        site.services,
        TextKind.CONSENT_WORDING,
        version=given.wording_version,
        language=given.language,
    )
    told = models.Wording(
        kind=TextKind.CONSENT_WORDING,
        version=text.version,
        language=text.language,
        text=text.text,
    )
    return shown(request, site.services, told)


@router.get(
    "/consents/{consent}/receipt",
    response_class=Response,
    responses={**reads(404), 200: files(PROOF)},
    dependencies=UNDER_TERMS,
)
def receipt(request: Request, site: Within, who: Reader, consent: UUID) -> Response:
    """The receipt of a consent, a `.tlog-proof`: it can be verified without us, for ever."""
    access = viewing.authorise(site.services, who, consent, Use.ACCESS)
    content = receipts.consent_receipt(site.services, site.press, access.consent)
    answer = sent(request, site.services, content, media_type=PROOF)
    answer.headers["Content-Disposition"] = 'attachment; filename="consent.tlog-proof"'
    return answer


@router.get(
    "/receipts", response_model=models.Receipts, responses=reads(404), dependencies=UNDER_TERMS
)
def receipts_of(request: Request, site: Within, who: Reader, paging: Paging) -> Response:
    """Where my receipts are, and the public key to verify them with."""
    given = [one for one in _consents(site, who) if one.status is not ConsentStatus.REFUSED]
    page, following = page_of(given, lambda one: one.id.hex, paging)
    found = [
        models.Receipt(
            consent=one.id,
            category=one.category,
            answered_at=one.answered_at,
            receipt=f"{ROOT}/consents/{one.id}/receipt",
            wording=f"{ROOT}/consents/{one.id}/wording",
        )
        for one in page
    ]
    told = models.Receipts(receipts=found, public_key=f"{ROOT}/public/key", next=following)
    return shown(request, site.services, told)


@router.get(
    "/recipients", response_model=models.Recipients, responses=reads(404), dependencies=UNDER_TERMS
)
def recipients(request: Request, site: Within, who: Reader, paging: Paging) -> Response:
    """Who sees my data, or saw it: what, for what, since and until when, and what came last."""
    given = [one for one in _consents(site, who) if one.status is not ConsentStatus.REFUSED]
    page, following = page_of(given, lambda one: one.id.hex, paging)
    told = models.Recipients(
        recipients=[_recipient(site, who, one) for one in page], next=following
    )
    return shown(request, site.services, told)


def _recipient(site: Site, who: UUID, one: models.Consent) -> models.Recipient:
    access = viewing.authorise(site.services, who, one.id, Use.ACCESS)
    return models.Recipient(
        consent=one.id,
        meter=one.meter,
        recipient=one.recipient,
        category=one.category,
        purpose=one.purpose,
        status=one.status,
        since=one.answered_at,
        until=one.last_day,
        received_last=viewing.received_last(site.services, access),
    )


def _consents(site: Site, who: UUID) -> list[models.Consent]:
    seen = viewing.overview(site.services, who)
    return [models.Consent.model_validate(one) for one in seen.consents]


def _consent(site: Site, who: UUID, consent: UUID) -> models.Consent:
    for one in _consents(site, who):
        if one.id == consent:
            return one
    raise viewing.NothingHere


def _wish(told: models.Question, act: str, holder: str = "") -> Wish:
    return Wish(
        category=Category(told.category),
        recipient=told.recipient,
        purpose=told.purpose,
        holder=holder,
        channel=CHANNEL,
        act=act,
        wording_version=told.wording_version,
        language=told.language,
    )
