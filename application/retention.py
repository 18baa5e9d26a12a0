"""What is past its period is destroyed, once a day, by runs that may crash anywhere.

::

    looked for → ordered (a run a matter, the ids in its private zone) → journal and keys
    destroyed, some at a time → pages purged → epoch ended → certified

A run is over everybody's keys of one matter and of the years that are past, so a turn of the
year is some dozens of commits and one epoch, not one of each a person. Each step looks before
it acts. What an order names is compared with the key store's own names before anything is
destroyed: a leaf that somebody else appended destroys nothing. Whoever is held by a duty to
keep, or is being erased, is passed over.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from uuid import UUID

from application.frames import frame_of
from application.orders import Ground, decide_once, root_of, witnessed
from application.services import derived_id
from application.telling import tell
from domain.aggregates import account, retention
from domain.aggregates.retention import RetentionStatus
from domain.errors import Corrupt
from domain.events.retention import RetentionCarriedOut, RetentionOrdered
from domain.policies.retention import MATTER_OF
from domain.values import Matter, civil_day
from keys.names import Purpose
from projections.store import Part
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64
from schemas.private import decode_private, ids_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from application.services import Services
    from application.transact import Loading
    from domain.events import Event
    from keys.names import KeyName
    from ledger.record import Frame
    from projections.standing import Standing

GROUND: Final = Ground(
    legal_basis="GDPR article 5(1)(e): kept no longer than necessary",
    not_reached=(
        "the operators' own data, held under their own duties",
        "receipts and exports that were handed out",
    ),
)
ORDERED_AT_ONCE: Final = 40_000
"""Keys of one run: their ids fit one record of 900 kB."""
DESTROYED_AT_ONCE: Final = 1_000
"""Keys of one transaction of the key store, which nobody else writes meanwhile."""
LOOKED_AT_ONCE: Final = 1_000

PURPOSE_OF: Final = {
    Matter.DAILY_INDEX: Purpose.READINGS,
    Matter.LOAD_CURVE: Purpose.READINGS,
    Matter.MAXIMUM_POWER: Purpose.READINGS,
    Matter.LOOKS: Purpose.ACCESS,
    Matter.DELIVERIES: Purpose.DELIVERY,
}

Item = TypeVar("Item")
Step = Callable[[str], None]
"""Told the name of each step as it is finished; tests kill the process there."""


class RunNotOurs(Corrupt):
    """A run's order names living keys that are not of its matter or its years."""

    def __init__(self, stream: UUID) -> None:
        """Take the run's id."""
        super().__init__(
            f"run {stream} orders the destruction of keys that are not past any period; nothing "
            "of it was carried out: no decision of ours wrote it. Run 'metroledger audit', and "
            "find out who appended it (manual: retention)"
        )


class RunIncomplete(Corrupt):
    """Keys that a run ordered destroyed are still there after the destruction."""

    def __init__(self, left: int) -> None:
        """Take how many are left."""
        super().__init__(
            f"{left} keys that are past their period are still in the key store after their "
            "destruction; run 'metroledger retention run' again (manual: retention)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the register has it; `leaf` is the certificate's in the tree, None before it."""

    id: UUID
    ordered: RetentionOrdered
    certificate: RetentionCarriedOut | None
    leaf: int | None


def keep_to_periods(services: Services, *, daily: bool, step: Step = lambda _: None) -> int:
    """Carry out whatever is ordered, and once a day first order what is past; return how many runs.

    A run that is not ours is told of then, and stays undone.
    """
    if daily:
        order(services, step=step)
        for one in _pending(services):
            if not _is_ours(services, one):
                tell("retention-order-not-ours", logging.ERROR, error=RunNotOurs(one.stream))
    return carry_out(services, step=step)


def order(services: Services, *, step: Step = lambda _: None) -> int:
    """Order the destruction of all that is past its period now; return how many runs."""
    runs = 0
    today = civil_day(services.clock())
    for matter, ids in _past(services).items():
        last_year = services.periods.last_year_past(matter, today)
        for some in _some(sorted(one.bytes for one in ids), ORDERED_AT_ONCE):
            _order(services, matter, last_year, some)
            step("ordered")
            runs += 1
    return runs


def carry_out(services: Services, *, step: Step = lambda _: None) -> int:
    """Carry every ordered run to its end, from wherever it stands; return how many.

    A run that would destroy a key of somebody who is held by now waits, whole, until they are not:
    its certificate answers for each key that it ordered.
    """
    ours = [one for one in _pending(services) if _is_ours(services, one)]
    if ours:
        services.shown.catch_up(Part.STANDING)
    pending = [one for one in ours if not _is_held(services, one)]
    if not pending:
        return 0
    for one in pending:
        _destroy(services, one.ids, step)
    services.keys.end_epoch(services.clock())
    step("epoch ended")
    for one in pending:
        _certify(services, one)
        step("certified")
    return len(pending)


def runs(services: Services) -> Sequence[Run]:
    """Return every run that was ordered, the oldest first."""
    found = []
    for stream, run in services.register.read().retention.items():
        if run.ordered is not None:
            certified = frame_of(services, stream, RetentionCarriedOut.TOPIC)
            leaf = certified[1] if certified else None
            found.append(
                Run(id=stream, ordered=run.ordered, certificate=run.carried_out, leaf=leaf)
            )
    return found


def _past(services: Services) -> Mapping[Matter, Collection[UUID]]:
    """Return the ids of the keys that are past their period, by matter."""
    today = civil_day(services.clock())
    last_years = {one: services.periods.last_year_past(one, today) for one in Matter}
    found: dict[Matter, list[UUID]] = defaultdict(list)
    services.shown.catch_up(Part.STANDING)
    ordered = services.register.read().ordered
    for purpose in dict.fromkeys(PURPOSE_OF.values()):
        latest = max(last_years[one] for one in Matter if PURPOSE_OF[one] is purpose)
        named = services.keys.aged(purpose, latest)
        for name, matter in _matters(services, named):
            past = name.year is not None and name.year <= last_years[matter]
            if past and named[name] not in ordered:
                found[matter].append(named[name])
    return found


def _matters(services: Services, named: Mapping[KeyName, UUID]) -> Iterator[tuple[KeyName, Matter]]:
    """Yield what each key is of; not of those who are held or leaving, nor of unknown consents."""
    by_owner: dict[UUID, list[KeyName]] = defaultdict(list)
    for name in named:
        by_owner[name.owner].append(name)
    ours = by_owner.pop(services.territory, [])
    yield from ((name, Matter.DELIVERIES) for name in ours)
    for some in _some(list(by_owner), LOOKED_AT_ONCE):
        for owner, standing in services.shown.standing_of(some).items():
            if _is_free(standing, owner):
                yield from _matters_of(standing, by_owner[owner])


def _is_free(standing: Standing, owner: UUID) -> bool:
    """Tell whether nothing else decides what becomes of an account's keys."""
    placed = standing.accounts.get(owner)
    return placed is not None and placed.state.status not in account.HELD | account.GOING


def _matters_of(standing: Standing, names: Sequence[KeyName]) -> Iterator[tuple[KeyName, Matter]]:
    for name in names:
        if name.purpose is Purpose.ACCESS:
            yield name, Matter.LOOKS
        elif name.consent in standing.consents:
            granted = standing.consents[name.consent].state.granted
            matter = MATTER_OF.get(granted.category) if granted else None
            if matter is not None:
                yield name, matter


def _order(services: Services, matter: Matter, last_year: int, ids: Sequence[bytes]) -> None:
    """Order one run; who else looked at the same moment ordered the same one."""
    fingerprint = root(leaf_hash(one) for one in ids)
    key = services.territory_key(Purpose.REACTIONS)
    stream = derived_id(key, b"retention", matter.encode(), fingerprint)
    wanted = RetentionOrdered(
        matter=matter, last_year=last_year, keys=len(ids), root=b64(fingerprint)
    )

    def decide(load: Loading) -> tuple[Event, ...]:
        return retention.order(load(retention, stream).state, wanted)

    context = services.context(None, **{RetentionOrdered.TOPIC: b"".join(ids)})
    decide_once(services, b"order retention", stream, decide, context)


class _Pending(NamedTuple):
    """A run that was ordered and not certified: its stream, its order, the key ids it names.

    `first` is the order's entry, and its place.
    """

    stream: UUID
    ordered: RetentionOrdered
    ids: Sequence[UUID]
    first: tuple[Frame, int]


def _pending(services: Services) -> Iterator[_Pending]:
    for stream, run in services.register.read().retention.items():
        if run.status is RetentionStatus.ORDERED and run.ordered is not None:
            found = frame_of(services, stream, RetentionOrdered.TOPIC)
            if found is not None:
                ids = ids_in(decode_private(found[0].private).extra)
                yield _Pending(stream, run.ordered, ids, found)


def _is_ours(services: Services, run: _Pending) -> bool:
    """Tell whether all of an order's keys that live are of its matter and past their period."""
    past = services.periods.last_year_past(run.ordered.matter, civil_day(services.clock()))
    last_year = min(run.ordered.last_year, past)
    if run.ordered.root != root_of(one.bytes for one in sorted(run.ids)):
        return False  # somebody appended another order to the run
    purpose = PURPOSE_OF[run.ordered.matter]
    return all(
        name.purpose is purpose and name.year is not None and name.year <= last_year
        for name in services.keys.names_of(run.ids).values()
    )


def _is_held(services: Services, run: _Pending) -> bool:
    """Tell whether a duty keeps a living key of a run, since it was ordered; no key is needed."""
    owners = set(services.keys.owners_of(run.ids).values())
    return any(
        request.held_at is not None and request.closed_at is None
        for some in _some(list(owners), LOOKED_AT_ONCE)
        for request in services.shown.store.requests(some).values()
    )


def _destroy(services: Services, ids: Sequence[UUID], step: Step) -> None:
    """Destroy a run's keys, and purge what they had sealed; what is gone already stays gone."""
    for some in _some(ids, DESTROYED_AT_ONCE):
        services.keys.destroy(some, services.clock())
        step("keys destroyed")
    left = len(services.keys.owners_of(ids))
    if left:
        raise RunIncomplete(left)
    services.shown.store.purge(ids)
    step("pages purged")


def _certify(services: Services, run: _Pending) -> None:
    seen = witnessed(services, run.ids, GROUND, first=run.first)
    certificate = RetentionCarriedOut(**seen)

    def decide(load: Loading) -> tuple[Event, ...]:
        return retention.carry_out(load(retention, run.stream).state, certificate)

    decide_once(services, b"carry retention out", run.stream, decide, services.context())


def _some(all_of_them: Sequence[Item], at_once: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(all_of_them), at_once):
        yield all_of_them[start : start + at_once]
