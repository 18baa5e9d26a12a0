"""What the staff see of a person, and the person's own view of who looked.

The other half of the seam that `application.viewing` is: nothing of a person is shown to the staff
but by a function here, which first writes down that it is. No record, no view: whoever is being
erased, or erased, is shown to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.services import new_id
from application.viewing import NothingHere, authorise
from domain.aggregates import access, account, consent
from domain.events import Change
from domain.events.access import DataSeen, Reason, Seen
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.services import Services
    from application.transact import Loading
    from domain.values import Actor

YEARS_SHOWN: Final = 2
"""The present civil year and the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asks to be erased, and how it was made sure that it is they; None before."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    means: str | None


def requester(services: Services, account_id: UUID, actor: Actor) -> Requester:
    """Show a member of the staff who asks for erasure, having written down that they look.

    Raises `NothingHere` unless a request of the account waits for its answer.
    """
    state = services.ledger.load(account, account_id).state
    if state.status not in account.ASKED or state.opened is None:
        raise NothingHere
    _record(services, account_id, actor, what=Seen.NAME_AND_EMAIL, why=Reason.ERASURE_REQUEST)
    return Requester(
        name=state.opened.name,
        email=state.opened.email,
        means=state.identified.means if state.identified else None,
    )


def readings(services: Services, consent_id: UUID, actor: Actor) -> None:
    """Let whoever runs the ledger see what was measured under a consent: it is written down first.

    Of an erased account nothing opens, so nobody looks. Raises as `viewing.authorise` does: what
    the holder is not shown any more is shown to nobody.
    """
    granted = services.ledger.load(consent, consent_id).state.granted
    if granted is None:
        return
    authorise(services, granted.account, consent_id)
    _record(services, granted.account, actor, what=Seen.READINGS, why=Reason.AT_THE_MACHINE)


def seen_by_staff(services: Services, account_id: UUID) -> Sequence[DataSeen]:
    """Return who of the staff looked at an account's data, and what for, the latest first."""
    year = civil_day(services.clock()).year
    looks = [
        one
        for each in range(year, year - YEARS_SHOWN, -1)
        for one in services.ledger.load(access, accesses_id(account_id, each)).state.seen
    ]
    return sorted(looks, key=lambda one: one.seen_at, reverse=True)


def accesses_id(account_id: UUID, year: int) -> UUID:
    """Return the stream of who looked at an account in a civil year.

    Derived from the account's random 128 bits, so nobody can search for it.
    """
    content = account_id.bytes + year.to_bytes(2, "big")
    return UUID(bytes=blake2b(content, digest_size=16, person=b"accesses").digest())


def _record(services: Services, account_id: UUID, actor: Actor, *, what: Seen, why: Reason) -> None:
    """Write down that somebody looks, before they do; raises why nothing may be written."""
    wanted = DataSeen(what=what, why=why, role=actor.role.value, seen_at=services.clock())
    stream = accesses_id(account_id, civil_day(wanted.seen_at).year)

    def decide(load: Loading) -> list[Change]:
        account.require_open(load(account, account_id).state)
        events = access.see(load(access, stream).state, wanted)
        return [Change(stream=stream, event=event, subject=account_id) for event in events]

    services.ledger.transact(new_id(), decide, context=services.context(actor))
