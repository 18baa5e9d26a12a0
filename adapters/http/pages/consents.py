"""Consents as their holder meets them: asked one by one, shown as they stand, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Response as Plain

from adapters.http.pages.forms import Form
from adapters.http.pages.questions import (
    LANGUAGE,
    PURPOSE,
    RECIPIENT,
    YEARS,
    find,
    questions,
    wording,
)
from application import inbox, viewing
from application.consenting import (
    Wish,
    grant_consent,
    refuse_consent,
    start_agreed,
)
from application.inbox import TakenDown
from application.offices import NoSuchText, shown_text
from application.receipts import consent_receipt
from application.services import new_id
from application.viewing import NothingHere, Use
from domain.aggregates.consent import ConsentStatus
from domain.events.terms import TextKind
from domain.values import civil_day, years_after

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit
    from adapters.http.pages.questions import Question
    from application.views import ConsentView, Overview

_LONGEST_NAME = 100
_STANDING = {ConsentStatus.GRANTED, ConsentStatus.REFUSED}


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show("/compteurs/{meter}/accord/{category}", question)
    pages.act("/compteurs/{meter}/accord/{category}", answered)
    pages.show("/accords", consents)
    pages.show("/accords/{consent}", consent)
    pages.show("/accords/{consent}/retrait", withdrawal)
    pages.act("/accords/{consent}/retrait", withdrawn)
    pages.show("/accords/{consent}/recu.tlog-proof", receipt)
    pages.show("/recus", receipts)


def question(visit: Visit) -> Response:
    """Ask one thing, with all that is to be known before the answer."""
    seen = visit.admitted()
    one = _question(visit, seen)
    if one.is_granted and one.answer is not None:
        return visit.go(f"/accords/{one.answer.id}")
    return _asked(visit, seen, one, Form({"titulaire": seen.name}))


def answered(visit: Visit) -> Response:
    """Keep the answer, a no as carefully as a yes, and go on to what is not answered yet.

    A form that is sent twice is answered once. One that was left open, answered and overtaken by
    another answer says nothing any more: what is asked now is asked again.
    """
    seen = visit.admitted()
    one = _question(visit, seen)
    holder = visit.fields.get("titulaire", "")
    match visit.fields.get("reponse"):
        case "accepter" if not 0 < len(holder) <= _LONGEST_NAME:
            errors = {"titulaire": "Donnez le nom du titulaire du contrat, en 100 caractères."}
            return _asked(visit, seen, one, Form(visit.fields, errors), status=422)
        case "accepter":
            made = _grant(visit, one, _wish(visit, one, "bouton « Accepter »", holder))
            done = "accepte"
        case "refuser":
            wish = _wish(visit, one, "bouton « Refuser »", holder)
            command = _command(visit, one)
            made = refuse_consent(
                visit.services, visit.account, one.meter.id, wish, command=command
            )
            done = "refuse"
        case _:
            errors = {"reponse": "Choisissez « Accepter » ou « Refuser »."}
            return _asked(visit, seen, one, Form(visit.fields, errors), status=422)
    seen = visit.overview()
    stands = _question(visit, seen).answer
    if stands is None or stands.id != made or stands.status not in _STANDING:
        return visit.go(one.address)
    left = [each for each in questions(visit.services, seen) if each.is_open]
    return visit.go(f"{left[0].address if left else '/accueil'}?fait={done}")


def consents(visit: Visit) -> Response:
    """Show all that was answered, and what may be asked anew."""
    seen = visit.admitted()
    meters = {one.id: one for one in seen.meters}
    answered = sorted(seen.consents, key=lambda one: one.answered_at, reverse=True)
    asked = questions(visit.services, seen)
    return visit.page("consents.html", consents=answered, meters=meters, questions=asked)


def consent(visit: Visit) -> Response:
    """Show one answer, with the very text it was given to."""
    seen = visit.admitted()
    given = _given(visit, seen)
    text = shown_text(
        visit.services,
        TextKind.CONSENT_WORDING,
        version=given.wording_version,
        language=given.language,
    )
    meter = next(one for one in seen.meters if one.id == given.meter)
    return visit.page("consent.html", given=given, meter=meter, text=text)


def withdrawal(visit: Visit) -> Response:
    """Say what a withdrawal does, with the one button that does it; it waits for no terms."""
    given = _given(visit, visit.overview())
    if given.status is not ConsentStatus.GRANTED:
        return visit.go(f"/accords/{given.id}")
    return visit.page("withdrawal.html", given=given)


def withdrawn(visit: Visit) -> Response:
    """Withdraw: from now on nothing is accepted under it."""
    access = viewing.authorise(visit.services, visit.account, visit.id("consent"), Use.ACCESS)
    try:
        inbox.withdraw(visit.services, visit.account, access.consent, new_id())
    except TakenDown:
        return visit.go("/accords?fait=retrait-garde")
    return visit.go("/accords?fait=retire")


def receipts(visit: Visit) -> Response:
    """Show the receipts there are, and how anybody verifies one."""
    seen = visit.admitted()
    given = [one for one in seen.consents if one.status is not ConsentStatus.REFUSED]
    given.sort(key=lambda one: one.answered_at, reverse=True)
    return visit.page("receipts.html", consents=given)


def receipt(visit: Visit) -> Response:
    """Hand out a receipt; its name says nothing of anybody."""
    access = viewing.authorise(visit.services, visit.account, visit.id("consent"), Use.ACCESS)
    content = consent_receipt(visit.services, visit.site.press, access.consent)
    headers = {"Content-Disposition": 'attachment; filename="recu.tlog-proof"'}
    return Plain(content, media_type="text/plain; charset=utf-8", headers=headers)


def _question(visit: Visit, seen: Overview) -> Question:
    asked = questions(visit.services, seen)
    one = find(asked, visit.id("meter"), visit.request.path_params["category"])
    if one is None:
        raise NothingHere
    return one


def _asked(visit: Visit, seen: Overview, one: Question, form: Form, status: int = 200) -> Response:
    text = wording(visit.services)
    if text is None:
        raise NoSuchText(TextKind.CONSENT_WORDING)
    asked = [each for each in questions(visit.services, seen) if each.is_open]
    return visit.page(
        "question.html",
        status=status,
        one=one,
        text=text,
        form=form,
        left=len(asked),
        last_day=years_after(civil_day(visit.services.clock()), YEARS),
    )


def _wish(visit: Visit, one: Question, act: str, holder: str) -> Wish:
    return Wish(
        category=one.category,
        recipient=RECIPIENT,
        purpose=PURPOSE,
        holder=holder,
        channel="portail",
        act=act,
        wording_version=visit.fields.get("version", ""),
        language=LANGUAGE,
        years=YEARS,
    )


def _grant(visit: Visit, one: Question, wish: Wish) -> UUID:
    command = _command(visit, one)
    given = grant_consent(visit.services, visit.account, one.meter.id, wish, command=command)
    start_agreed(visit.services, given)
    return given


def _command(visit: Visit, one: Question) -> UUID:
    return visit.command(str(one.meter.id), one.category.value, visit.fields["reponse"])


def _given(visit: Visit, seen: Overview) -> ConsentView:
    wanted = visit.id("consent")
    given = next((one for one in seen.consents if one.id == wanted), None)
    if given is None:
        raise NothingHere
    return given
