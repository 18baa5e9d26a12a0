"""How an account is left: a request on its way through people, and the erasure's own steps.

What an account decides from its holder's request for erasure to the certificate; its states
are `domain.aggregates.account`'s.
"""

from datetime import datetime, timedelta
from uuid import UUID

from domain.aggregates.account import ASKED, GOING, HELD, Account, AccountStatus, require_open
from domain.errors import Refused
from domain.events.account import (
    AccountErased,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
)
from domain.events.consent import ConsentGranted
from domain.events.destruction import (
    KeysDestroyed,
    PastErasureAskedAgain,
    PastErasureRequested,
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


class IdentityNotChecked(Refused):
    """The erasure was to be validated before anybody made sure who asks for it."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody has recorded yet that this request comes from the account's holder. Check it, "
            "record how, and then validate."
        )


class HeldNow(Refused):
    """The erasure was to be validated while a duty to keep the data holds it."""

    def __init__(self) -> None:
        super().__init__(
            "This erasure is held by a duty to keep the data. Lift the hold first, when it is over."
        )


class PastHeld(Refused):
    """The past of a meter was to be erased while a duty to keep the data holds it."""

    def __init__(self) -> None:
        super().__init__(
            "A duty to keep the data of this account lasts, so nothing of it is erased now. The "
            "page of your request says which; you can stop what is collected at any time."
        )


class OtherEyesNeeded(Refused):
    """Who checked the identity was to validate as well, and here two people do that."""

    def __init__(self) -> None:
        super().__init__(
            "Here an erasure takes two people, and you are the one who checked the identity. "
            "Another administrator validates it."
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


def request_erasure(
    state: Account, *, request: UUID, requested_at: datetime
) -> tuple[ErasureRequested, ...]:
    """Decide a request for erasure; while one is pending, asking again changes nothing.

    A request is answered once: asking anew after a refusal takes a new id.
    """
    if state.request == request or state.status in ASKED | GOING:
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
    if state.status not in ASKED:
        return ()
    return (ErasureRefused(request=request, reason=reason),)


def check_identity(
    state: Account, wanted: ErasureIdentityChecked
) -> tuple[ErasureIdentityChecked, ...]:
    """Decide that somebody made sure who asks; the first check stands, and a validation has one.

    Raises `NoErasureRequested` when no such request is pending.
    """
    if state.status in GOING and state.request == wanted.request:
        return ()
    _require_pending(state, wanted.request)
    return () if state.identified is not None else (wanted,)


def hold_erasure(state: Account, *, request: UUID, reason: str) -> tuple[ErasureHeld, ...]:
    """Decide that a duty to keep the data holds an erasure; the first reason stands.

    Raises `NoErasureRequested` when no such request is pending.
    """
    _require_pending(state, request)
    return () if state.status in HELD else (ErasureHeld(request=request, reason=reason),)


def lift_hold(state: Account, *, request: UUID) -> tuple[ErasureHoldLifted, ...]:
    """Decide that nothing holds an erasure any more.

    Raises `NoErasureRequested` when no such request is pending.
    """
    _require_pending(state, request)
    return (ErasureHoldLifted(request=request),) if state.status in HELD else ()


def take_erasure_back(state: Account, *, request: UUID) -> tuple[ErasureTakenBack, ...]:
    """Decide that the holder takes a request back, while it waits for its answer.

    Raises why the account can do nothing, `AccountUnderErasure` once it was validated.
    """
    require_open(state)
    if state.status not in ASKED or state.request != request:
        return ()
    return (ErasureTakenBack(request=request),)


def is_of_past(granted: ConsentGranted, asked: PastErasureRequested) -> bool:
    """Tell whether what was measured under a consent is of the past that is to be erased."""
    return granted.meter == asked.meter and granted.granted_at <= asked.requested_at


def after_pasts(state: Account, meter: UUID, at: datetime) -> datetime:
    """Return `at`, or the moment after the last request to erase a meter's past.

    What is consented to after a request is not of that past, whatever the clocks of two
    processes said, or however long ago this decision's was read.
    """
    asked = (one.requested_at for one in state.pasts if one.meter == meter)
    return max([at, *(when + timedelta.resolution for when in asked)])


def request_past_erasure(
    state: Account, wanted: PastErasureRequested
) -> tuple[PastErasureRequested, ...]:
    """Decide that what was measured at a meter is to be erased; nobody has to validate that.

    Raises why the account can do nothing, and `PastHeld` while a duty to keep the data lasts.
    """
    if any(known.request == wanted.request for known in state.pasts):
        return ()
    require_open(state)
    if state.status in HELD:
        raise PastHeld
    return (wanted,)


def ask_past_erasure_again(
    state: Account, wanted: PastErasureAskedAgain
) -> tuple[PastErasureAskedAgain, ...]:
    """Decide that what is asked for is what a request under way erases already.

    Raises `NoErasureRequested` where the account made no such request.
    """
    if wanted.request not in {known.request for known in state.pasts}:
        raise NoErasureRequested(wanted.request)
    return () if wanted in state.asked_again else (wanted,)


def standing_request(state: Account, asked: UUID) -> UUID:
    """Return the request of a meter's past that an asking is, by the id it would have had."""
    return next((one.request for one in state.asked_again if one.again == asked), asked)


def validate_erasure(
    state: Account, *, request: UUID, validated_by: UUID, four_eyes: bool = False
) -> tuple[ErasureValidated, ...]:
    """Decide an administrator's validation of an erasure request.

    Raises `NoErasureRequested` when it is not pending, `HeldNow`, `IdentityNotChecked`, and with
    `four_eyes` `OtherEyesNeeded` where the same person checked the identity.
    """
    if state.status in GOING and state.request == request:
        return ()
    _require_pending(state, request)
    if state.status in HELD:
        raise HeldNow
    if state.identified is None:
        raise IdentityNotChecked
    if four_eyes and state.identified.checked_by == validated_by:
        raise OtherEyesNeeded
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
    require_answer(state.ordered, certificate)
    return (certificate,)


def require_answer(
    ordered: DestructionOrdered | None, certificate: AccountErased | KeysDestroyed
) -> None:
    """Let a certificate pass that answers its order; raises as `erase` does."""
    if ordered is None:
        raise DestructionNotOrdered
    if _destroyed(certificate) != _destroyed(ordered):
        raise PartialErasure(ordered.keys, certificate.keys)


def _destroyed(said: DestructionOrdered | AccountErased | KeysDestroyed) -> tuple[UUID, int, str]:
    return (said.request, said.keys, said.root)


def _require_pending(state: Account, request: UUID) -> None:
    if state.status not in ASKED or state.request != request:
        raise NoErasureRequested(request)
