"""One operator's agreement with the metropolis, for one period.

*In force* is computed from its dates and its ending, never stored: an agreement
whose last day has passed covers nothing, whether or not anybody wrote so.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.agreement import AgreementEnded, AgreementSigned
from domain.values import Category, Channel, civil_day


class AgreementStatus(StrEnum):
    """Where an agreement is in its life."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    ENDED = "ended"


TRANSITIONS: Final[Table[AgreementStatus]] = {
    AgreementStatus.UNSIGNED: {AgreementSigned: AgreementStatus.SIGNED},
    AgreementStatus.SIGNED: {AgreementEnded: AgreementStatus.ENDED},
    AgreementStatus.ENDED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed, None before it was signed."""

    status: AgreementStatus = AgreementStatus.UNSIGNED
    signed: AgreementSigned | None = None


INITIAL: Final = Agreement()


class AgreementSignedOtherwise(Refused):
    """The agreement was signed already, with other facts."""

    def __init__(self, reference: str) -> None:
        """Take the reference it was signed under."""
        super().__init__(
            f"This agreement was signed already, as {reference!r}, with other facts. "
            "What was signed is not changed: end it, and sign a new one."
        )
        self.reference = reference


class AgreementCoversNothing(Refused):
    """The agreement names no channel or no category, or ends before it begins."""

    def __init__(self, reference: str, lacking: str) -> None:
        """Take the parties' reference and what is lacking."""
        super().__init__(
            f"Agreement {reference!r} has {lacking}, so that nothing could be collected under it. "
            "Complete it and sign it again."
        )
        self.reference = reference
        self.lacking = lacking


class NoSuchAgreement(Refused):
    """The agreement was never signed."""

    def __init__(self, status: AgreementStatus) -> None:
        """Take the status of the stream."""
        super().__init__(
            f"The agreement is {status.value}: there is nothing to end. Check which one was meant."
        )
        self.found = status


def evolve(state: Agreement, event: Happened) -> Agreement:
    """Return the agreement after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    return replace(moved, signed=event) if isinstance(event, AgreementSigned) else moved


def sign(state: Agreement, wanted: AgreementSigned) -> tuple[AgreementSigned, ...]:
    """Decide the signature of an agreement.

    Raises `AgreementCoversNothing` and, for other facts than the signed ones,
    `AgreementSignedOtherwise`.
    """
    if state.status is AgreementStatus.UNSIGNED:
        _require_matter(wanted)
        return (wanted,)
    if wanted != state.signed:
        raise AgreementSignedOtherwise(state.signed.reference if state.signed else "?")
    return ()


def end(state: Agreement, *, reason: str) -> tuple[AgreementEnded, ...]:
    """Decide the end of an agreement; the first reason given is the one that is kept.

    Raises `NoSuchAgreement` when none was signed.
    """
    match state.status:
        case AgreementStatus.UNSIGNED:
            raise NoSuchAgreement(state.status)
        case AgreementStatus.SIGNED:
            return (AgreementEnded(reason=reason),)
        case AgreementStatus.ENDED:
            return ()


def in_force(state: Agreement, at: datetime) -> bool:
    """Tell whether the agreement has effect at an instant; its days are inclusive."""
    return state.status is AgreementStatus.SIGNED and _within(state.signed, civil_day(at))


def covers_category(state: Agreement, category: Category) -> bool:
    """Tell whether data of this category may be collected under the agreement."""
    return state.signed is not None and category in state.signed.categories


def covers_channel(state: Agreement, channel: Channel) -> bool:
    """Tell whether data may come over this channel under the agreement."""
    return state.signed is not None and channel in state.signed.channels


def _within(signed: AgreementSigned | None, day: date) -> bool:
    return signed is not None and signed.first_day <= day <= signed.last_day


def _require_matter(wanted: AgreementSigned) -> None:
    if not wanted.channels:
        raise AgreementCoversNothing(wanted.reference, "no channel")
    if not wanted.categories:
        raise AgreementCoversNothing(wanted.reference, "no category")
    if wanted.last_day < wanted.first_day:
        raise AgreementCoversNothing(wanted.reference, "a last day before its first")
