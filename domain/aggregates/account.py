"""One person's or household's account, from its opening to its erasure.

An account is *inactive* until its holder accepted terms of use: it may not declare
a meter nor grant a consent. Asking for erasure takes nothing away; from the
administrator's validation on, nothing is possible but the erasure's own steps,
which may be taken up again after a crash at any of them:

    asked → validated → (consents and collections ended) → destruction ordered
          → (keys destroyed, epoch ended) → erased

What was measured at one meter can be erased while the account lives on; that is asked for here
and carried out in a stream of its own (`destruction`).

Before that, a member of the staff makes sure who asks, and may hold the request while a duty
to keep the data lasts; the holder may take it back. The states of a request are of two kinds,
so that a refusal leads back to where the account was. From the order of destruction on, what
the person's keys sealed reads as `Unreadable`; the steps that remain need public events only.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.account import (
    AccountErased,
    AccountOpened,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
    TermsAccepted,
)
from domain.events.destruction import PastErasureAskedAgain, PastErasureRequested


class AccountStatus(StrEnum):
    """Where an account is in its life."""

    UNOPENED = "unopened"
    INACTIVE = "inactive"
    ACTIVE = "active"
    INACTIVE_LEAVING = "inactive, erasure requested"
    ACTIVE_LEAVING = "active, erasure requested"
    INACTIVE_HELD = "inactive, erasure held"
    ACTIVE_HELD = "active, erasure held"
    LEAVING = "erasure validated"
    BEING_DESTROYED = "destruction ordered"
    ERASED = "erased"


TRANSITIONS: Final[Table[AccountStatus]] = {
    AccountStatus.UNOPENED: {AccountOpened: AccountStatus.INACTIVE},
    AccountStatus.INACTIVE: {
        PastErasureRequested: AccountStatus.INACTIVE,
        PastErasureAskedAgain: AccountStatus.INACTIVE,
        TermsAccepted: AccountStatus.ACTIVE,
        ErasureRequested: AccountStatus.INACTIVE_LEAVING,
    },
    AccountStatus.ACTIVE: {
        PastErasureRequested: AccountStatus.ACTIVE,
        PastErasureAskedAgain: AccountStatus.ACTIVE,
        TermsAccepted: AccountStatus.ACTIVE,
        ErasureRequested: AccountStatus.ACTIVE_LEAVING,
    },
    AccountStatus.INACTIVE_LEAVING: {
        PastErasureRequested: AccountStatus.INACTIVE_LEAVING,
        PastErasureAskedAgain: AccountStatus.INACTIVE_LEAVING,
        TermsAccepted: AccountStatus.ACTIVE_LEAVING,
        ErasureIdentityChecked: AccountStatus.INACTIVE_LEAVING,
        ErasureHeld: AccountStatus.INACTIVE_HELD,
        ErasureTakenBack: AccountStatus.INACTIVE,
        ErasureRefused: AccountStatus.INACTIVE,
        ErasureValidated: AccountStatus.LEAVING,
    },
    AccountStatus.ACTIVE_LEAVING: {
        PastErasureRequested: AccountStatus.ACTIVE_LEAVING,
        PastErasureAskedAgain: AccountStatus.ACTIVE_LEAVING,
        TermsAccepted: AccountStatus.ACTIVE_LEAVING,
        ErasureIdentityChecked: AccountStatus.ACTIVE_LEAVING,
        ErasureHeld: AccountStatus.ACTIVE_HELD,
        ErasureTakenBack: AccountStatus.ACTIVE,
        ErasureRefused: AccountStatus.ACTIVE,
        ErasureValidated: AccountStatus.LEAVING,
    },
    AccountStatus.INACTIVE_HELD: {
        TermsAccepted: AccountStatus.ACTIVE_HELD,
        ErasureIdentityChecked: AccountStatus.INACTIVE_HELD,
        ErasureHoldLifted: AccountStatus.INACTIVE_LEAVING,
        ErasureTakenBack: AccountStatus.INACTIVE,
        ErasureRefused: AccountStatus.INACTIVE,
    },
    AccountStatus.ACTIVE_HELD: {
        TermsAccepted: AccountStatus.ACTIVE_HELD,
        ErasureIdentityChecked: AccountStatus.ACTIVE_HELD,
        ErasureHoldLifted: AccountStatus.ACTIVE_LEAVING,
        ErasureTakenBack: AccountStatus.ACTIVE,
        ErasureRefused: AccountStatus.ACTIVE,
    },
    AccountStatus.LEAVING: {DestructionOrdered: AccountStatus.BEING_DESTROYED},
    AccountStatus.BEING_DESTROYED: {AccountErased: AccountStatus.ERASED},
    AccountStatus.ERASED: {},
}

HELD: Final = frozenset({AccountStatus.INACTIVE_HELD, AccountStatus.ACTIVE_HELD})
"""A request waits, and something forbids to carry it out."""

ASKED: Final = HELD | {AccountStatus.INACTIVE_LEAVING, AccountStatus.ACTIVE_LEAVING}
"""A request waits for its answer."""

_ACTIVE: Final = frozenset(
    {AccountStatus.ACTIVE, AccountStatus.ACTIVE_LEAVING, AccountStatus.ACTIVE_HELD}
)
GOING: Final = frozenset(
    {AccountStatus.LEAVING, AccountStatus.BEING_DESTROYED, AccountStatus.ERASED}
)
"""An erasure was validated; nothing is possible any more but its own steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account as its events left it; what was never said or cannot be read is None.

    `request` is the id of the last erasure request, whatever became of it; `identified`, `held`
    and `refused` are what was last said of that one. `pasts` are the requests to erase what was
    measured at a meter, whatever became of them, `asked_again` what was asked while one of them was
    under way and is that one.
    """

    status: AccountStatus = AccountStatus.UNOPENED
    opened: AccountOpened | None = None
    accepted: TermsAccepted | None = None
    request: UUID | None = None
    requested_at: datetime | None = None
    identified: ErasureIdentityChecked | None = None
    held: ErasureHeld | None = None
    refused: ErasureRefused | None = None
    ordered: DestructionOrdered | None = None
    pasts: tuple[PastErasureRequested, ...] = ()
    asked_again: tuple[PastErasureAskedAgain, ...] = ()


INITIAL: Final = Account()


class AccountNotOpened(Refused):
    """There is no such account."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is no such account. Open one first, or check which one was meant.")


class AccountOpenedOtherwise(Refused):
    """The account was opened already, with other facts."""

    def __init__(self) -> None:
        super().__init__(
            "This account was opened already, with other facts. Correct them in the account, "
            "or open another one under a new id."
        )


class AccountInactive(Refused):
    """The account's holder has not accepted the terms of use."""

    def __init__(self) -> None:
        super().__init__(
            "The terms of use of this account have not been accepted yet, so it cannot declare a "
            "meter nor grant a consent. The holder accepts them first."
        )


class AccountUnderErasure(Refused):
    """The account's erasure was validated and is being carried out."""

    def __init__(self) -> None:
        super().__init__(
            "The erasure of this account was validated and is being carried out: nothing else can "
            "be done with it. Open a new account to go on."
        )


class AccountErasedAlready(Refused):
    """The account was erased."""

    status = 410

    def __init__(self) -> None:
        super().__init__(
            "This account was erased and nothing of it can be read. Open a new account to go on."
        )


def evolve(state: Account, event: Happened) -> Account:
    """Return the account after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case AccountOpened():
            return replace(moved, opened=event)
        case TermsAccepted():
            return replace(moved, accepted=event)
        case ErasureValidated():
            return replace(moved, request=event.request)
        case DestructionOrdered():
            return replace(moved, ordered=event)
        case PastErasureRequested() | PastErasureAskedAgain():
            return _asked_of_a_past(moved, event)
        case _:
            return _answered(moved, event)


def _asked_of_a_past(
    moved: Account, event: PastErasureRequested | PastErasureAskedAgain
) -> Account:
    """Return the account after one meter's past was asked to be erased, or asked again."""
    if isinstance(event, PastErasureRequested):
        return replace(moved, pasts=(*moved.pasts, event))
    return replace(moved, asked_again=(*moved.asked_again, event))


def _answered(moved: Account, event: Happened) -> Account:
    """Return the account after what was said of its request."""
    match event:
        case ErasureRequested():
            return replace(
                moved,
                request=event.request,
                requested_at=event.requested_at,
                identified=None,
                held=None,
                refused=None,
            )
        case ErasureIdentityChecked():
            return replace(moved, identified=event)
        case ErasureHeld():
            return replace(moved, held=event)
        case ErasureHoldLifted():
            return replace(moved, held=None)
        case ErasureRefused():
            return replace(moved, refused=event)
        case _:
            return moved


def open_account(state: Account, wanted: AccountOpened) -> tuple[AccountOpened, ...]:
    """Decide the opening of an account.

    Raises `AccountOpenedOtherwise` when it was opened with other facts.
    """
    if state.status is AccountStatus.UNOPENED:
        return (wanted,)
    if state.opened != wanted:
        raise AccountOpenedOtherwise
    return ()


def accept_terms(state: Account, wanted: TermsAccepted) -> tuple[TermsAccepted, ...]:
    """Decide the acceptance of terms of use; `policies.account` checks that they exist."""
    if state.accepted == wanted:
        return ()
    require_open(state)
    return (wanted,)


def is_active(state: Account) -> bool:
    """Tell whether the account may declare meters and grant consents."""
    return state.status in _ACTIVE


def require_open(state: Account) -> None:
    """Raise why a holder can do nothing with an account, if so."""
    if state.status is AccountStatus.UNOPENED:
        raise AccountNotOpened
    if state.status is AccountStatus.ERASED:
        raise AccountErasedAlready
    if state.status in GOING:
        raise AccountUnderErasure


def require_active(state: Account) -> None:
    """Raise why an account may not declare or grant, if so."""
    require_open(state)
    if not is_active(state):
        raise AccountInactive
