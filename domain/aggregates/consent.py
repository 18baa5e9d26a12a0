"""One act of consent: account × meter × data category × recipient × purpose.

A consent has a *collection interval*, from the act to its ending, tested on the
instant at which data is received, and a *data perimeter*, the days from
`first_data_day` on, tested on the day that was measured. Both must hold
(`policies/coverage.py`).

*In force* is computed from the dates: a consent whose last day has passed covers
nothing, from that midnight on, whether or not `ConsentExpired` was written. That
event records the expiry, frees the meter for a new act and ends the stream.

A consent is lengthened by a new act of the person with its own evidence, or not
at all: `last_day` is set by `ConsentGranted` and `ConsentExtended`, and by nothing
else. Whoever let it lapse consents anew, under a new id.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import FactsUnreadable, Happened, Table, move
from domain.errors import Refused
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentGranted,
    ConsentRefused,
    ConsentWithdrawn,
)
from domain.values import civil_day, next_day


class ConsentStatus(StrEnum):
    """Where a consent is in its life."""

    UNASKED = "unasked"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"


TRANSITIONS: Final[Table[ConsentStatus]] = {
    ConsentStatus.UNASKED: {
        ConsentGranted: ConsentStatus.GRANTED,
        ConsentRefused: ConsentStatus.REFUSED,
    },
    ConsentStatus.GRANTED: {
        ConsentExtended: ConsentStatus.GRANTED,
        ConsentWithdrawn: ConsentStatus.WITHDRAWN,
        ConsentExpired: ConsentStatus.EXPIRED,
    },
    ConsentStatus.WITHDRAWN: {},
    ConsentStatus.REFUSED: {},
    ConsentStatus.EXPIRED: {},
}


class Origin(StrEnum):
    """Who told us of a withdrawal; the values are stored as they stand here."""

    RESIDENT = "resident"
    OPERATOR = "operator"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The consent as its events left it; what was never said or cannot be read is None.

    `last_day` is the inclusive last day in force, `extended_at` the instant of the
    last extension.
    """

    status: ConsentStatus = ConsentStatus.UNASKED
    granted: ConsentGranted | None = None
    refused: ConsentRefused | None = None
    last_day: date | None = None
    extended_at: datetime | None = None
    withdrawn_at: datetime | None = None


INITIAL: Final = Consent()


class ConsentAnsweredAlready(Refused):
    """This consent's id was used already, for another answer of the person."""

    def __init__(self, found: ConsentStatus) -> None:
        """Take what became of the consent."""
        super().__init__(
            f"This consent is {found.value} already, and one consent is one act. Asking the person "
            "again takes a new id."
        )
        self.found = found


class NoSuchConsent(Refused):
    """Nobody was asked for this consent."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such consent. Check which one was meant.")


class ConsentEnded(Refused):
    """The consent has ended, and an ended consent stays ended."""

    def __init__(self, found: ConsentStatus) -> None:
        """Take how it ended."""
        super().__init__(
            f"This consent is {found.value}: it covers nothing any more and is not taken up again. "
            "The person may consent anew."
        )
        self.found = found


class ConsentLapsed(Refused):
    """The consent's last day has passed."""

    def __init__(self, last_day: date) -> None:
        """Take the last day it was in force."""
        super().__init__(
            f"This consent lapsed at the end of {last_day}: it can no longer be extended nor used. "
            "The person may consent anew."
        )
        self.last_day = last_day


class ConsentNotLapsed(Refused):
    """The consent is still in force, so it has not expired."""

    def __init__(self, last_day: date, day: date) -> None:
        """Take the last day it is in force, and the day on which it was to expire."""
        super().__init__(
            f"This consent is in force to the end of {last_day}; it has not expired on {day}. "
            "Expire it from the next day on, or let the person withdraw it."
        )
        self.last_day = last_day
        self.day = day


class NothingLengthened(Refused):
    """The extension ends no later than the consent does already."""

    def __init__(self, last_day: date, asked: date) -> None:
        """Take the last day it has, and the one that was asked."""
        super().__init__(
            f"This consent lasts to the end of {last_day} already; {asked} would not extend it. "
            "Ask for a later day; a person who wants less withdraws."
        )
        self.last_day = last_day
        self.asked = asked


class ActBeforeGrant(Refused):
    """An act on a consent is dated before its grant."""

    def __init__(self, at: datetime, granted_at: datetime) -> None:
        """Take both instants."""
        super().__init__(
            f"The act is dated {at.isoformat()}, before the consent was granted "
            f"({granted_at.isoformat()}). Correct the date, or check which consent was meant."
        )
        self.at = at
        self.granted_at = granted_at


def evolve(state: Consent, event: Happened) -> Consent:
    """Return the consent after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case ConsentGranted():
            return replace(moved, granted=event, last_day=event.last_day)
        case ConsentExtended():
            return replace(moved, last_day=event.last_day, extended_at=event.extended_at)
        case ConsentRefused():
            return replace(moved, refused=event)
        case ConsentWithdrawn():
            return replace(moved, withdrawn_at=event.withdrawn_at)
        case _:
            return moved


def grant(state: Consent, wanted: ConsentGranted) -> tuple[ConsentGranted, ...]:
    """Decide the grant; `policies.consent` checks what it rests on.

    The same act again changes nothing, even when the agreement's leaf or the
    operator's horizon reads otherwise by now. Raises `ConsentAnsweredAlready` when
    the id was used for another act.
    """
    if state.status is ConsentStatus.UNASKED:
        return (wanted,)
    if state.granted is None or _act(state.granted) != _act(wanted):
        raise ConsentAnsweredAlready(state.status)
    return ()


def refuse(state: Consent, wanted: ConsentRefused) -> tuple[ConsentRefused, ...]:
    """Decide to keep the person's no; `policies.consent` checks its evidence.

    Raises `ConsentAnsweredAlready` when the id was used for another answer.
    """
    if state.status is ConsentStatus.UNASKED:
        return (wanted,)
    if state.refused != wanted:
        raise ConsentAnsweredAlready(state.status)
    return ()


def extend(state: Consent, wanted: ConsentExtended) -> tuple[ConsentExtended, ...]:
    """Decide an extension; `policies.consent` checks its evidence and its length.

    Raises `NoSuchConsent`, `ConsentEnded`, `ConsentLapsed`, `ActBeforeGrant` and
    `NothingLengthened`.
    """
    if (state.extended_at, state.last_day) == (wanted.extended_at, wanted.last_day):
        return ()
    facts = require_in_force(state, wanted.extended_at)
    last_day = state.last_day or facts.last_day
    if wanted.last_day <= last_day:
        raise NothingLengthened(last_day, wanted.last_day)
    return (wanted,)


def withdraw(
    state: Consent, *, withdrawn_at: datetime, origin: Origin
) -> tuple[ConsentWithdrawn, ...]:
    """Decide a withdrawal, which is possible at any time; what has ended already stays as it is.

    Raises `NoSuchConsent`, and `ActBeforeGrant` for a date before the grant.
    """
    match state.status:
        case ConsentStatus.UNASKED:
            raise NoSuchConsent
        case ConsentStatus.GRANTED:
            facts = _facts(state)
            if withdrawn_at < facts.granted_at:
                raise ActBeforeGrant(withdrawn_at, facts.granted_at)
            return (
                ConsentWithdrawn(
                    consent=facts.consent, withdrawn_at=withdrawn_at, origin=origin.value
                ),
            )
        case _:
            return ()


def expire(state: Consent, *, on: date) -> tuple[ConsentExpired, ...]:
    """Decide to record that the last day has passed, seen from day `on`.

    `expired_on` is the first day not in force, whenever it is recorded. Raises
    `NoSuchConsent`, and `ConsentNotLapsed` while the last day has not passed.
    """
    match state.status:
        case ConsentStatus.UNASKED:
            raise NoSuchConsent
        case ConsentStatus.GRANTED:
            last_day = state.last_day or _facts(state).last_day
            if on <= last_day:
                raise ConsentNotLapsed(last_day, on)
            return (ConsentExpired(consent=_facts(state).consent, expired_on=next_day(last_day)),)
        case _:
            return ()


def no_earlier(state: Consent, at: datetime) -> datetime:
    """Return when to date an act of `at`: no earlier than the grant that it comes after.

    The clocks of two processes differ, and must refuse no withdrawal and no start.
    """
    return at if state.granted is None else max(at, state.granted.granted_at)


def has_lapsed(state: Consent, at: datetime) -> bool:
    """Tell whether the last day has passed at an instant, recorded or not."""
    return state.last_day is not None and civil_day(at) > state.last_day


def in_force(state: Consent, at: datetime) -> bool:
    """Tell whether an instant lies in the collection interval, as far as the log tells now."""
    return (
        state.status is ConsentStatus.GRANTED
        and state.granted is not None
        and state.granted.granted_at <= at
        and not has_lapsed(state, at)
    )


def has_ended(state: Consent) -> bool:
    """Tell whether the stream has ended, so that nothing can live on it ever again."""
    return state.status not in {ConsentStatus.UNASKED, ConsentStatus.GRANTED}


def require_in_force(state: Consent, at: datetime) -> ConsentGranted:
    """Return the grant, or raise why the consent is not in force at an instant.

    Raises `NoSuchConsent`, `ConsentEnded`, `ConsentLapsed` or `ActBeforeGrant`.
    """
    if state.status is ConsentStatus.UNASKED:
        raise NoSuchConsent
    if state.status is not ConsentStatus.GRANTED:
        raise ConsentEnded(state.status)
    facts = _facts(state)
    if at < facts.granted_at:
        raise ActBeforeGrant(at, facts.granted_at)
    if has_lapsed(state, at):
        raise ConsentLapsed(state.last_day or facts.last_day)
    return facts


def _facts(state: Consent) -> ConsentGranted:
    if state.granted is None:
        raise FactsUnreadable(state.status)
    return state.granted


def _act(granted: ConsentGranted) -> tuple[object, ...]:
    scope = (granted.category, granted.recipient, granted.purpose)
    return (granted.account, granted.meter, *scope, granted.granted_at)
