"""The queue of erasure requests, for those who answer them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.http.pages import certificate
from adapters.http.pages.forms import Form
from application import answering, erasure, notices, past, seeing
from application.access.roles import Right
from application.answering import REASON_MAX, ReasonUnfit
from application.viewing import NothingHere
from domain.values import civil_day, month_after
from projections.requests import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from uuid import UUID

    from fastapi import Response

    from adapters.http.pages.frame import Pages, Visit
    from projections.requests import Request

ADDRESS: Final = "/agents/effacements"
_NO_REASON: Final = f"Donnez un motif, en {REASON_MAX} caractères au plus : la personne le lira."
_NO_MEANS: Final = f"Dites comment vous avez vérifié, en {REASON_MAX} caractères au plus."


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request in the queue: its age, the last day to answer it, the days left until then."""

    request: Request
    age_days: int
    due: date
    left_days: int


def add(pages: Pages) -> None:
    """Put these pages under their addresses."""
    pages.show(ADDRESS, queue)
    pages.show(f"{ADDRESS}/{{account}}", request)
    pages.show(f"{ADDRESS}/{{account}}/certificat", certificate_page)
    pages.show(f"{ADDRESS}/{{account}}/certificat.json", certificate_file)
    pages.show(f"{ADDRESS}/passe/{{request}}/certificat", past_certificate_page)
    pages.show(f"{ADDRESS}/passe/{{request}}/certificat.json", past_certificate_file)
    pages.act(f"{ADDRESS}/{{account}}/identite", identified)
    pages.act(f"{ADDRESS}/{{account}}/validation", validated)
    pages.act(f"{ADDRESS}/{{account}}/refus", refused)
    pages.act(f"{ADDRESS}/{{account}}/suspension", held)
    pages.act(f"{ADDRESS}/{{account}}/reprise", lifted)


def queue(visit: Visit) -> Response:
    """Show what waits, the most pressing first, and what was closed last; nobody's name."""
    visit.visitor.require(Right.ERASURES)
    waiting = [_waiting(visit, one) for one in answering.waiting(visit.services)]
    return visit.page(
        "erasures.html",
        waiting=waiting,
        closed=answering.closed(visit.services),
        pasts=past.last_asked(visit.services),
    )


def request(visit: Visit) -> Response:
    """Show one request; while it waits for its answer, who asks: that is written down first."""
    return _shown(visit, Form())


def certificate_page(visit: Visit) -> Response:
    """Show the certificate of a finished erasure, to be printed."""
    visit.visitor.require(Right.ERASURES)
    return certificate.shown(visit, _known(visit).account)


def certificate_file(visit: Visit) -> Response:
    """Hand out the certificate of a finished erasure, to be verified."""
    visit.visitor.require(Right.ERASURES)
    return certificate.downloaded(visit, _known(visit).account)


def past_certificate_page(visit: Visit) -> Response:
    """Show the certificate of a meter's erased past, to be printed."""
    visit.visitor.require(Right.ERASURES)
    return certificate.shown(visit, _certified_past(visit))


def past_certificate_file(visit: Visit) -> Response:
    """Hand out the certificate of a meter's erased past, to be verified."""
    visit.visitor.require(Right.ERASURES)
    return certificate.downloaded(visit, _certified_past(visit))


def identified(visit: Visit) -> Response:
    """Record how it was made sure who asks."""
    actor = visit.visitor.require(Right.IDENTITY)
    means = visit.fields.get("moyen", "")
    if not 0 < len(means) <= REASON_MAX:
        return _shown(visit, Form(visit.fields, {"moyen": _NO_MEANS}), status=422)
    erasure.check_identity(visit.services, _known(visit).account, actor, means=means)
    return _back(visit)


def validated(visit: Visit) -> Response:
    """Validate; the next round of upkeep carries it out."""
    actor = visit.visitor.require(Right.VALIDATION)
    visit.site.desk.validate(_known(visit).account, actor)
    return _back(visit)


def refused(visit: Visit) -> Response:
    """Refuse, with the reason that the person is told."""
    return _with_reason(visit, Right.REFUSAL, "motif_refus", visit.site.desk.refuse)


def held(visit: Visit) -> Response:
    """Hold, with the reason that the person is told."""
    return _with_reason(visit, Right.HOLD, "motif_suspension", visit.site.desk.hold)


def _with_reason(visit: Visit, right: Right, field: str, answer: Callable[..., None]) -> Response:
    actor = visit.visitor.require(right)
    try:
        answer(_known(visit).account, actor, reason=visit.fields.get(field, ""))
    except ReasonUnfit:
        return _shown(visit, Form(visit.fields, {field: _NO_REASON}), status=422)
    return _back(visit)


def lifted(visit: Visit) -> Response:
    """Let a held request go on."""
    actor = visit.visitor.require(Right.HOLD)
    visit.site.desk.lift(_known(visit).account, actor)
    return _back(visit)


def _shown(visit: Visit, form: Form, status: int = 200) -> Response:
    visit.visitor.require(Right.ERASURES)
    found = _known(visit)
    who = None
    if found.closed_at is None and found.validated_at is None:
        actor = visit.visitor.require(Right.REQUESTER)
        who = seeing.requester(visit.services, found.account, actor)
    erased = found.outcome is Outcome.ERASED
    return visit.page(
        "erasure_request.html",
        status=status,
        form=form,
        one=_waiting(visit, found),
        who=who,
        hold=answering.hold_on(visit.services, found.account) if who else None,
        notices=notices.notices_of(visit.services, found.account),
        finished=erasure.certificate_of(visit.services, found.account) if erased else None,
    )


def _known(visit: Visit) -> Request:
    found = answering.request_of(visit.services, visit.id("account"))
    if found is None:
        raise NothingHere
    return found


def _certified_past(visit: Visit) -> UUID:
    request_id = visit.id("request")
    known = visit.services.register.read()  # one that went with its account is pending for ever
    account_id = known.asked.get(request_id) or known.pending.get(request_id)
    if account_id is None:  # of long ago, or none: the stream itself says
        return request_id
    return past.certified_by(visit.services, account_id, request_id)


def _waiting(visit: Visit, found: Request) -> Waiting:
    today, due = civil_day(visit.services.clock()), month_after(found.requested_at)
    return Waiting(
        request=found,
        age_days=(today - civil_day(found.requested_at)).days,
        due=due,
        left_days=(due - today).days,
    )


def _back(visit: Visit) -> Response:
    return visit.go(f"{ADDRESS}/{visit.id('account')}")
