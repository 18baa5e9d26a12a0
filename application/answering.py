"""An erasure request on its way through people: refused, held, taken back; where each stands.

What is carried out after a validation is `application.erasure`; it is carried out by whoever
comes first: the command line, or the next round of upkeep.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from application import erasure
from application.frames import frame_of
from application.letters import LetterOwed, write_due
from application.residents import resident
from application.services import new_id
from application.telling import tell
from domain.aggregates import account, leaving
from domain.errors import Corrupt, Refused, Unavailable
from domain.events import Change
from domain.events.account import ErasureRefused
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from domain.aggregates.account import Account
    from domain.events import Event
    from domain.values import Actor
    from projections.requests import Request

    Answer = Callable[[Account, UUID], Iterable[Event]]

REASON_MAX: Final = 500
CLOSED_SHOWN: Final = 50
RETRIED_AFTER: Final = timedelta(minutes=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENCE_S: Final = 2.0


class ReasonUnfit(Refused):
    """A refusal or a hold says no reason, or too long a one."""

    status = 422

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(f"a reason has 1 to {REASON_MAX} characters: the person is told it")


def refuse(services: Services, account_id: UUID, actor: Actor, *, reason: str) -> bool:
    """Refuse a pending request, and say why."""
    _require_fit(reason)
    return _answer(
        services,
        account_id,
        actor,
        lambda state, request: leaving.refuse_erasure(state, request=request, reason=reason),
    )


def hold(services: Services, account_id: UUID, actor: Actor, *, reason: str) -> bool:
    """Hold a pending request while a duty to keep the data lasts, and say which."""
    _require_fit(reason)
    return _answer(
        services,
        account_id,
        actor,
        lambda state, request: leaving.hold_erasure(state, request=request, reason=reason),
    )


def lift(services: Services, account_id: UUID, actor: Actor) -> bool:
    """Let a held request go on."""
    return _answer(
        services,
        account_id,
        actor,
        lambda state, request: leaving.lift_hold(state, request=request),
    )


def take_back(services: Services, account_id: UUID) -> bool:
    """Take a pending request back, in its holder's name; where none waits nothing changes."""
    return _answer(
        services,
        account_id,
        resident(account_id),
        lambda state, request: leaving.take_erasure_back(state, request=request),
    )


def last_refusal(services: Services, account_id: UUID) -> ErasureRefused | None:
    """Return why the account's last request was refused, None where it was not."""
    state = services.ledger.load(account, account_id).state
    return None if state.status in account.ASKED else state.refused


def hold_on(services: Services, account_id: UUID) -> str | None:
    """Return the reason that holds the account's request, None where nothing does."""
    held = services.ledger.load(account, account_id).state.held
    return held.reason if held else None


def waiting(services: Services) -> Sequence[Request]:
    """Return the requests that are not closed, the oldest first, as they stand now."""
    _catch_up(services)
    return services.shown.store.open_requests()


def closed(services: Services) -> Sequence[Request]:
    """Return the requests that were closed last, as they stand now."""
    _catch_up(services)
    return services.shown.store.closed_requests(CLOSED_SHOWN)


def request_of(services: Services, account_id: UUID) -> Request | None:
    """Return an account's last request, as it stands now; None where it never made one."""
    _catch_up(services)
    return services.shown.store.requests([account_id]).get(account_id)


def carry_out_validated(services: Services, failed: dict[UUID, datetime]) -> int:
    """Carry every validated erasure to its end; return how many were.

    One that cannot be completed keeps no other waiting: somebody is told, and it is taken up
    again after `RETRIED_AFTER`. `failed` says when each failed, and is kept between rounds.
    Where something does not answer, as a keeper of epoch keys, each is still carried as far as it
    goes, and then `Unavailable` is raised.
    """
    done, now = 0, services.clock()
    unanswered: Unavailable | None = None
    for request in services.shown.store.open_requests():
        rests = now - failed.get(request.account, _LONG_AGO) < RETRIED_AFTER
        if request.validated_at is None or rests or _is_over(services, request.account):
            continue
        try:
            _write_last(services, request.account)
            erasure.erase(services, request.account, services.system)
        except Unavailable as error:
            unanswered = error
            continue
        except (Corrupt, Refused) as error:
            failed[request.account] = now
            tell("erasure-incomplete", logging.ERROR, error=error, account=request.account)
            continue
        done += 1
    if unanswered is not None:
        raise unanswered
    return done


def _is_over(services: Services, account_id: UUID) -> bool:
    """Tell whether nothing is left to do, though the end was written by somebody else."""
    certified = frame_of(services, account_id, *erasure.ERASED) is not None
    return certified and not services.keys.keys_of(account_id)


def _write_last(services: Services, account_id: UUID) -> None:
    """Write what is owed while there is an address; a post that takes nothing holds nothing up."""
    try:
        write_due(services, account_id)
    except LetterOwed as error:
        tell("letter-owed", logging.ERROR, error=error, account=account_id)


def _answer(services: Services, account_id: UUID, actor: Actor, answer: Answer) -> bool:
    """Answer a request; say whether that changed anything."""

    def decide(load: Loading) -> list[Change]:
        state = load(account, account_id).state
        events = answer(state, state.request or new_id())
        return [Change(stream=account_id, event=event, subject=account_id) for event in events]

    accepted = services.ledger.transact(new_id(), decide, context=services.context(actor))
    return accepted is not None


def _catch_up(services: Services) -> None:
    with contextlib.suppress(Unavailable):  # not in time, or the log does not answer
        services.shown.catch_up(Part.STANDING, patience_s=_PATIENCE_S)


def _require_fit(reason: str) -> None:
    if not 0 < len(reason) <= REASON_MAX:
        raise ReasonUnfit
