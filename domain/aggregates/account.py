"""One person's or household's account, from its opening to its erasure.

An account is *inactive* until its holder accepted terms of use: it may not declare
a meter nor grant a consent. Asking for erasure takes nothing away; from the
administrator's validation on, nothing is possible but the erasure's own steps,
which may be taken up again after a crash at any of them:

    asked → validated → (consents and collections ended) → destruction ordered
          → (keys destroyed, epoch ended) → erased

The states after a request are two, so that a refusal leads back to where the
account was. From the order of destruction on, what the person's keys sealed reads
as `Unreadable`; the steps that remain need public events only.
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
    ErasureRefused,
    ErasureRequested,
    ErasureValidated,
    TermsAccepted,
)


class AccountStatus(StrEnum):
    """Where an account is in its life."""

    UNOPENED = "unopened"
    INACTIVE = "inactive"
    ACTIVE = "active"
    INACTIVE_LEAVING = "inactive, erasure requested"
    ACTIVE_LEAVING = "active, erasure requested"
    LEAVING = "erasure validated"
    BEING_DESTROYED = "destruction ordered"
    ERASED = "erased"


TRANSITIONS: Final[Table[AccountStatus]] = {
    AccountStatus.UNOPENED: {AccountOpened: AccountStatus.INACTIVE},
    AccountStatus.INACTIVE: {
        TermsAccepted: AccountStatus.ACTIVE,
        ErasureRequested: AccountStatus.INACTIVE_LEAVING,
    },
    AccountStatus.ACTIVE: {
        TermsAccepted: AccountStatus.ACTIVE,
        ErasureRequested: AccountStatus.ACTIVE_LEAVING,
    },
    AccountStatus.INACTIVE_LEAVING: {
        TermsAccepted: AccountStatus.ACTIVE_LEAVING,
        ErasureRefused: AccountStatus.INACTIVE,
        ErasureValidated: AccountStatus.LEAVING,
    },
    AccountStatus.ACTIVE_LEAVING: {
        TermsAccepted: AccountStatus.ACTIVE_LEAVING,
        ErasureRefused: AccountStatus.ACTIVE,
        ErasureValidated: AccountStatus.LEAVING,
    },
    AccountStatus.LEAVING: {DestructionOrdered: AccountStatus.BEING_DESTROYED},
    AccountStatus.BEING_DESTROYED: {AccountErased: AccountStatus.ERASED},
    AccountStatus.ERASED: {},
}

_ACTIVE: Final = frozenset({AccountStatus.ACTIVE, AccountStatus.ACTIVE_LEAVING})
_ASKED: Final = frozenset({AccountStatus.INACTIVE_LEAVING, AccountStatus.ACTIVE_LEAVING})
_GOING: Final = frozenset(
    {AccountStatus.LEAVING, AccountStatus.BEING_DESTROYED, AccountStatus.ERASED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account as its events left it; what was never said or cannot be read is None.

    `request` is the id of the last erasure request, whatever became of it.
    """

    status: AccountStatus = AccountStatus.UNOPENED
    opened: AccountOpened | None = None
    accepted: TermsAccepted | None = None
    request: UUID | None = None
    requested_at: datetime | None = None
    ordered: DestructionOrdered | None = None


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


class NoErasureRequested(Refused):
    """There is no pending erasure request of this id."""

    def __init__(self, request: UUID) -> None:
        """Take the id of the request that was meant."""
        super().__init__(
            f"Request {request} is not a pending erasure request of this account. "
            "Check which one was meant; the holder may ask again at any time."
        )
        self.request = request


class ErasureNotValidated(Refused):
    """A step of an erasure was asked for before an administrator validated it."""

    def __init__(self) -> None:
        super().__init__(
            "The erasure of this account was not validated, so nothing of it may be destroyed. "
            "An administrator validates the request first."
        )


class DestructionNotOrdered(Refused):
    """The certificate was asked for before the destruction was ordered."""

    def __init__(self) -> None:
        super().__init__(
            "The destruction of this account's keys was not ordered, so its erasure cannot be "
            "certified. Take the erasure up again from its first open step."
        )


class AnotherDestructionOrdered(Refused):
    """The destruction of other keys was ordered already."""

    def __init__(self, ordered: int, asked: int) -> None:
        """Take how many keys the order names, and how many were named now."""
        super().__init__(
            f"The destruction of {ordered} keys of this account was ordered, and that order "
            f"stands; {asked} keys were named now, or others. Go on with the keys it names."
        )
        self.ordered = ordered
        self.asked = asked


class PartialErasure(Refused):
    """The certificate does not say what the order of destruction says."""

    def __init__(self, ordered: int, destroyed: int) -> None:
        """Take how many keys were to be destroyed, and how many are certified."""
        super().__init__(
            f"The destruction of {ordered} keys was ordered and {destroyed} are certified, or "
            "others: a partial erasure is no erasure. Destroy what remains and certify again."
        )
        self.ordered = ordered
        self.destroyed = destroyed


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
        case ErasureRequested():
            return replace(moved, request=event.request, requested_at=event.requested_at)
        case ErasureValidated():
            return replace(moved, request=event.request)
        case DestructionOrdered():
            return replace(moved, ordered=event)
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


def request_erasure(
    state: Account, *, request: UUID, requested_at: datetime
) -> tuple[ErasureRequested, ...]:
    """Decide a request for erasure; while one is pending, asking again changes nothing.

    A request is answered once: asking anew after a refusal takes a new id.
    """
    if state.request == request or state.status in _ASKED | _GOING:
        return ()
    require_open(state)
    return (ErasureRequested(request=request, requested_at=requested_at),)


def refuse_erasure(state: Account, *, request: UUID, reason: str) -> tuple[ErasureRefused, ...]:
    """Decide an administrator's refusal of an erasure request.

    Raises `NoErasureRequested` when it is not pending, and `AccountUnderErasure`
    when it was validated already.
    """
    require_open(state)
    if state.request != request:
        raise NoErasureRequested(request)
    if state.status not in _ASKED:
        return ()
    return (ErasureRefused(request=request, reason=reason),)


def validate_erasure(state: Account, *, request: UUID) -> tuple[ErasureValidated, ...]:
    """Decide an administrator's validation of an erasure request.

    Raises `NoErasureRequested` when it is not pending.
    """
    if state.status in _GOING and state.request == request:
        return ()
    if state.status not in _ASKED or state.request != request:
        raise NoErasureRequested(request)
    return (ErasureValidated(request=request),)


def order_destruction(state: Account, *, keys: int, root: str) -> tuple[DestructionOrdered, ...]:
    """Decide the order to destroy `keys` keys, whose ids' RFC 6962 root is `root`.

    `policies.account` checks that nothing lives under these keys any more. Raises
    `ErasureNotValidated` and, for other keys than the ordered ones,
    `AnotherDestructionOrdered`.
    """
    if state.ordered is not None:
        if (state.ordered.keys, state.ordered.root) != (keys, root):
            raise AnotherDestructionOrdered(state.ordered.keys, keys)
        return ()
    if state.status is not AccountStatus.LEAVING or state.request is None:
        raise ErasureNotValidated
    return (DestructionOrdered(request=state.request, keys=keys, root=root),)


def erase(state: Account, certificate: AccountErased) -> tuple[AccountErased, ...]:
    """Decide the end of an erasure, with its certificate.

    Raises `DestructionNotOrdered`, and `PartialErasure` when the certificate does
    not answer the order key for key. The first certificate stands.
    """
    if state.status is AccountStatus.ERASED:
        return ()
    if state.ordered is None:
        raise DestructionNotOrdered
    ordered = (state.ordered.request, state.ordered.keys, state.ordered.root)
    if (certificate.request, certificate.keys, certificate.root) != ordered:
        raise PartialErasure(state.ordered.keys, certificate.keys)
    return (certificate,)


def is_active(state: Account) -> bool:
    """Tell whether the account may declare meters and grant consents."""
    return state.status in _ACTIVE


def require_open(state: Account) -> None:
    """Raise why a holder can do nothing with an account, if so."""
    if state.status is AccountStatus.UNOPENED:
        raise AccountNotOpened
    if state.status is AccountStatus.ERASED:
        raise AccountErasedAlready
    if state.status in _GOING:
        raise AccountUnderErasure


def require_active(state: Account) -> None:
    """Raise why an account may not declare or grant, if so."""
    require_open(state)
    if not is_active(state):
        raise AccountInactive
