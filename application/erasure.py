"""Erasure: a protocol whose every step may crash and be taken up again.

::

    requested → identity checked → validated → consents withdrawn, collections stopped → owner
    closed in the key store → what was granted meanwhile withdrawn → notices queued → destruction
    ordered (the ids in its private zone) → journal, keys and index rows destroyed → epoch ended →
    erased, with certificate

Each step looks at what is there before it acts, so `erase` is called again after a
crash and goes on. A partial erasure is an error that someone sees, never a success:
`AccountErased` is decided only when every ordered key is gone and the epoch has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from application.consenting import after_ending, consents_of, withdraw_consent
from application.frames import frame_of
from application.letters import drop_letters
from application.notices import KEPT_DAYS as NOTICE_DAYS
from application.notices import queue_notices
from application.orders import Ground, decide_once, ordered_ids, root_of, witnessed
from application.parking import KEPT_DAYS
from application.services import made_by, new_id
from domain.aggregates import account, leaving
from domain.aggregates.account import AccountStatus
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Corrupt, Refused
from domain.events import Change
from domain.events.account import (
    AccountErased,
    AccountErasedV1,
    DestructionOrdered,
    ErasureIdentityChecked,
    ErasureRequested,
    ErasureValidated,
)
from domain.policies.account import order_destruction
from domain.values import Role
from ledger.frames import event_from
from schemas.leaf import decode_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from domain.aggregates.account import Account
    from domain.events import Event
    from domain.values import Actor

ERASED: Final = (AccountErasedV1.TOPIC, AccountErased.TOPIC)
"""The types of certificates."""

NOT_REACHED: Final = (
    "the operators' own data, held under their own duties",
    "receipts and exports that were handed out, nobody here knows to whom",
    f"unreadable files, sealed apart until the first delivery after {KEPT_DAYS} days",
    "the operators' files, for the days that the drop box keeps them, or where 'ingest' got them",
    "the last letter, where no mail server had taken it: in clear for at most 2 days",
)
"""What no destruction of a person's keys reaches."""

GROUND: Final = Ground(
    legal_basis="GDPR article 17(1)(b): consent withdrawn",
    not_reached=(
        *NOT_REACHED,
        f"notices to operators and recipients, sealed until answered, {NOTICE_DAYS} days at most",
    ),
)

_UNCHECKED: Final = "it was validated, and nobody checked that the request is the holder's own"
_CERTIFIED: Final = "it is certified already, and the account's keys are alive"
_OTHERS: Final = "the order names other keys than the account's"

Step = Callable[[str], None]
"""Told the name of each step as it is finished; tests kill the process there."""


class ErasureIncomplete(Corrupt):
    """Keys that were ordered destroyed are still there after the destruction."""

    def __init__(self, left: int) -> None:
        """Take how many are left."""
        super().__init__(
            f"{left} keys that were ordered destroyed are still in the key store; the erasure is "
            "not complete: run 'metroledger erase' again (manual: key store)"
        )


class ErasureNotOurs(Corrupt):
    """An erasure is on the ledger that nobody of ours decided so; nothing was destroyed for it."""

    def __init__(self, why: str) -> None:
        """Take what is amiss, as a clause."""
        super().__init__(
            f"an erasure was not carried out, and nothing was destroyed: {why}. Run 'metroledger "
            "audit', find out who appended it, and make sure of what the person wants (manual: "
            "erasures)"
        )


class NoCertificate(Refused):
    """Nothing of that id was destroyed to its end."""

    status = 404

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "there is no certificate of this. Give the id of an account that was erased, of a "
            "request to erase a meter's past that is done, or of a retention run that was carried "
            "out: 'metroledger erase status' and 'metroledger retention show' have them, and say "
            "what is under way"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A finished erasure: its certificate and the tree's leaf that holds it."""

    certificate: AccountErased
    leaf: int


def request(
    services: Services,
    account_id: UUID,
    actor: Actor,
    *,
    command: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Record that the person asked; the one-month clock starts. A pending request stands.

    `at` is when they did, where that was before now: the event itself is dated so, for those who
    watch the month read no payload.
    """
    command = command or new_id()
    asked = made_by(command)
    at = at or services.clock()

    def decide(load: Loading) -> list[Change]:
        state = load(account, account_id).state
        events = leaving.request_erasure(state, request=asked, requested_at=at)
        return [Change(stream=account_id, event=e, subject=account_id) for e in events]

    context = replace(services.context(actor), at=at)
    services.ledger.transact(command, decide, context=context)


def check_identity(services: Services, account_id: UUID, actor: Actor, *, means: str) -> None:
    """Record that somebody made sure the request is the holder's own, and how."""

    def decide(load: Loading) -> list[Change]:
        state = load(account, account_id).state
        wanted = ErasureIdentityChecked(
            request=state.request or new_id(), means=means, checked_by=actor.id
        )
        events = leaving.check_identity(state, wanted)
        return [Change(stream=account_id, event=e, subject=account_id) for e in events]

    services.ledger.transact(new_id(), decide, context=services.context(actor))


def validate(services: Services, account_id: UUID, actor: Actor) -> bool:
    """Record that an administrator validated the erasure; another one, where it takes two.

    Say whether that changed anything. The system itself is nobody's second pair of eyes.
    """
    require_own_eyes(services, actor)

    def decide(load: Loading) -> list[Change]:
        state = load(account, account_id).state
        if state.status in _BEYOND_REQUEST:
            return []
        events = leaving.validate_erasure(
            state,
            request=state.request or new_id(),
            validated_by=actor.id,
            four_eyes=services.four_eyes,
        )
        return [Change(stream=account_id, event=event) for event in events]

    accepted = services.ledger.transact(new_id(), decide, context=services.context(actor))
    return accepted is not None


def require_own_eyes(services: Services, actor: Actor) -> None:
    """Raise `OtherEyesNeeded` of the command line where it takes two people."""
    if services.four_eyes and actor.id == services.system.id:
        raise leaving.OtherEyesNeeded


def is_validated(services: Services, account_id: UUID) -> bool:
    """Tell whether an erasure was validated, and is under way or done."""
    return services.ledger.load(account, account_id).state.status in _BEYOND_REQUEST


_BEYOND_REQUEST: Final = frozenset(
    {
        AccountStatus.LEAVING,
        AccountStatus.BEING_DESTROYED,
        AccountStatus.ERASED,
    }
)


def erase(
    services: Services, account_id: UUID, actor: Actor, *, step: Step = lambda _: None
) -> Erasure:
    """Carry a validated erasure to its end, from wherever it stands.

    Raises, having touched nothing, `ErasureNotValidated` unless one was validated, and
    `ErasureNotOurs` where what stands on the ledger was not decided by whom it takes.
    """
    state = services.ledger.load(account, account_id).state
    if state.status not in _BEYOND_REQUEST:
        raise leaving.ErasureNotValidated
    _require_ours(services, account_id, state, actor)
    ordered = frame_of(services, account_id, DestructionOrdered.TOPIC) is not None
    if not ordered:  # first: a delivery that needs a key finds the consent ended, not its holder
        _end_consents(services, account_id, step)
    services.keys.close_owner(account_id)
    step("owner closed")
    if not ordered:
        _end_consents(services, account_id, step)
        step("consents ended")
        drop_letters(services, account_id)
        queue_notices(services, account_id, step=step)
        _order(services, account_id)
        step("destruction ordered")
    ids = ordered_ids(services, account_id)
    services.keys.destroy_owner(account_id, services.clock())
    step("keys destroyed")
    services.keys.index.forget(account_id)
    step("index forgotten")
    left = len(services.keys.fetch(ids))
    if left:
        raise ErasureIncomplete(left)
    if frame_of(services, account_id, *ERASED) is None:
        services.keys.end_epoch(services.clock())
        step("epoch ended")
        _certify(services, account_id, actor, ids)
        step("certified")
    return certificate_of(services, account_id)


def _require_ours(services: Services, account_id: UUID, state: Account, actor: Actor) -> None:
    """Let pass what people decided and our own steps made of it; raises `ErasureNotOurs`.

    Validation, order and certificate have no data subject, so no key is needed to write them: who
    can append to the log could. The identity check is sealed under the person's own key, and an
    order of ours names that person's keys, all of them and no other's. At the command line the
    administrator who carries it out is the one who decides, where one is enough.
    """
    ordered = frame_of(services, account_id, DestructionOrdered.TOPIC) is not None
    named = services.keys.owners_of(ordered_ids(services, account_id)) if ordered else {}
    living = set(services.keys.keys_of(account_id).values())  # last: another may be destroying them
    if not living:
        return  # destroyed: what is left is to say so
    if state.identified is None and (actor.role is Role.SYSTEM or services.four_eyes):
        raise ErasureNotOurs(_UNCHECKED)
    if state.status is AccountStatus.ERASED:
        raise ErasureNotOurs(_CERTIFIED)
    if ordered and named.keys() != living:
        raise ErasureNotOurs(_OTHERS)


def certificate_of(services: Services, account_id: UUID) -> Erasure:
    """Return the certificate of a finished erasure."""
    found = frame_of(services, account_id, *ERASED)
    if found is None:
        raise NoCertificate
    frame, index = found
    leaf = decode_leaf(frame.leaf)
    certificate = event_from(leaf, leaf.payload or {})
    if not isinstance(certificate, AccountErased):
        raise NoCertificate
    return Erasure(certificate=certificate, leaf=index)


def _end_consents(services: Services, account_id: UUID, step: Step) -> None:
    for consent_id, state in consents_of(services, account_id).items():
        if state.status is ConsentStatus.GRANTED:
            withdraw_consent(services, consent_id, origin=Origin.ERASURE, actor=services.system)
        else:
            after_ending(services, consent_id, StopReason.ERASURE)
        step("a consent ended")


def _order(services: Services, account_id: UUID) -> None:
    ids = sorted(key_id.bytes for key_id in services.keys.keys_of(account_id).values())
    living = list(consents_of(services, account_id).values())

    def decide(load: Loading) -> list[Event]:
        holder = load(account, account_id)
        changes = order_destruction(holder, living, keys=len(ids), root=root_of(ids))
        return [change.event for change in changes]

    context = services.context(None, **{DestructionOrdered.TOPIC: b"".join(ids)})
    decide_once(services, b"order destruction", account_id, decide, context)


def _certify(services: Services, account_id: UUID, actor: Actor, ids: list[UUID]) -> None:
    validated = frame_of(services, account_id, ErasureValidated.TOPIC)
    seen = witnessed(services, ids, GROUND, first=validated)

    def decide(load: Loading) -> tuple[Event, ...]:
        state = load(account, account_id).state
        if state.ordered is None:
            raise leaving.DestructionNotOrdered
        certificate = AccountErased(
            **seen,
            request=state.ordered.request,
            asked_as=_role_of(services, account_id, ErasureRequested.TOPIC),
            checked_as=_role_of(services, account_id, ErasureIdentityChecked.TOPIC),
            validated_as=_role_of(services, account_id, ErasureValidated.TOPIC),
            carried_out_as=actor.role.value,
        )
        return leaving.erase(state, certificate)

    decide_once(services, b"erase", account_id, decide, services.context(actor))


def _role_of(services: Services, account_id: UUID, topic: str) -> str | None:
    found = frame_of(services, account_id, topic)
    return decode_private(found[0].private).role.value if found else None
