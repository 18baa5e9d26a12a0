"""What became of each file that an operator delivered, and what is missing.

A subscription's deliveries are numbered without a hole, and each has files i of n. From the
files that came follows what did not: a part of a delivery, or a whole delivery between two
that came. What follows the last one cannot be told before the next; a counter that starts
again is legal, and its own beginning is then 1. Gaps close by themselves when the late file
comes. A restart is told by order of making: a number that is not above the last, and fills
no gap, begins a new count.

Nothing here names a person: a file is known by an id derived from its content under a key,
and only the numbers of the metropolis's own subscriptions are kept of its name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

PATIENCE: Final = timedelta(hours=6)
"""How long the other parts of a delivery may be on their way."""

KEPT: Final = timedelta(days=400)
"""How long it is kept what became of a file: a year's nights can be told beside the last ones."""

_FIRST: Final = 1


class State(StrEnum):
    """What became of a file."""

    ARRIVED = "arrived"
    TAKEN_IN = "taken_in"
    PARKED = "parked"
    COMPANION = "companion"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Slot:
    """Which file of which delivery: part `part` of `parts` of number `sequence`.

    `made` orders a subscription's deliveries: the stamp in the name, AAAAMMJJhhmmss.
    """

    flow: str
    subscription: str
    made: str
    sequence: int
    part: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One file: `id` is its content's and name's, `delivery` what the ledger calls it."""

    id: UUID
    operator: str
    slot: Slot | None
    delivery: UUID
    size_bytes: int
    at: datetime
    state: State = State.ARRIVED
    reason: str | None = None


class Arrivals(Protocol):
    """Where arrivals are kept. Both writes may be repeated, by any process."""

    def note(self, arrival: Arrival) -> None:
        """Keep that a file came; one that is known counts as having come again."""

    def settle(self, file: UUID, state: State, reason: str | None) -> None:
        """Keep what became of it."""

    def since(self, at: datetime) -> Sequence[Arrival]:
        """Return what came since an instant, in the order in which it first came."""

    def drop(self, before: datetime) -> int:
        """Forget what came before an instant; return of how many files."""


def drop_over(arrivals: Arrivals, now: datetime) -> int:
    """Forget files that came longer ago than is kept; the ledger keeps their deliveries."""
    return arrivals.drop(now - KEPT)


class Trouble(StrEnum):
    """What an administrator is told of, each with its part in docs/manual/drop-box.md."""

    NOTHING_DECRYPTED = "nothing_decrypted"
    PARTS_MISSING = "parts_missing"
    DELIVERIES_MISSING = "deliveries_missing"
    NOT_SETTLED = "not_settled"
    NOT_TOUCHED = "not_touched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One trouble of one operator; `first` to `last` are the numbers that are missing."""

    trouble: Trouble
    operator: str
    flow: str = ""
    subscription: str = ""
    sequence: int = 0
    first: int = 0
    last: int = 0


def alarms(
    arrived: Sequence[Arrival], now: datetime, unopened: frozenset[str]
) -> tuple[Alarm, ...]:
    """Return all that is wrong; `unopened` are the reasons that mean: no key fits."""
    found: list[Alarm] = []
    for operator in sorted({one.operator for one in arrived}):
        ours = [one for one in arrived if one.operator == operator]
        if _nothing_opens(ours, unopened):
            found.append(Alarm(trouble=Trouble.NOTHING_DECRYPTED, operator=operator))
        late = [one for one in ours if now - one.at > PATIENCE]
        if any(one.state is State.ARRIVED for one in late):
            found.append(Alarm(trouble=Trouble.NOT_SETTLED, operator=operator))
        found += _incomplete(operator, ours, now)
    return tuple(found)


def missing_parts(slots: Iterable[Slot]) -> tuple[tuple[int, int], ...]:
    """Return which of a delivery's parts did not come, as ranges from first to last."""
    came = {slot.part: slot.parts for slot in slots}
    return tuple(_holes(sorted(came), max(came.values(), default=0)))


def missing_deliveries(sequences: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return the gaps in a subscription's numbers, given in the order in which they were made."""
    gaps: list[tuple[int, int]] = []
    run: list[tuple[int, int]] = []
    last: int | None = None
    for number in sequences:
        if number == last:
            continue
        if last is not None and (filled := _within(run, number)) is not None:
            first, end = run.pop(filled)
            run += [(a, b) for a, b in ((first, number - 1), (number + 1, end)) if a <= b]
            continue
        if last is None or number < last:
            gaps, run = gaps + run, []
            last = number - 1 if last is None else min(_FIRST - 1, number - 1)
        if number > last + 1:
            run.append((last + 1, number - 1))
        last = number
    return tuple(sorted(gaps + run))


def _holes(came: Sequence[int], last: int) -> Iterator[tuple[int, int]]:
    before = 0
    for number in [*came, last + 1]:
        if number > before + 1:
            yield before + 1, number - 1
        before = number


def _within(gaps: Sequence[tuple[int, int]], number: int) -> int | None:
    return next((n for n, (first, last) in enumerate(gaps) if first <= number <= last), None)


def _nothing_opens(arrived: Sequence[Arrival], unopened: frozenset[str]) -> bool:
    """Whether the latest file under lock could not be opened, and none since was taken in."""
    closed = [n for n, one in enumerate(arrived) if one.reason in unopened]
    taken = [n for n, one in enumerate(arrived) if one.state is State.TAKEN_IN]
    return bool(closed) and max(taken, default=-1) < closed[-1]


def _incomplete(operator: str, arrived: Sequence[Arrival], now: datetime) -> Iterator[Alarm]:
    latest: dict[Slot, datetime] = {}
    for one in arrived:
        if one.slot and one.state is not State.COMPANION:
            latest[one.slot] = one.at
    flows: dict[tuple[str, str], list[Slot]] = defaultdict(list)
    for slot in sorted(latest):
        flows[slot.flow, slot.subscription].append(slot)
    for (flow, subscription), slots in flows.items():
        place = {"operator": operator, "flow": flow, "subscription": subscription}
        for sequence, group in groupby(slots, lambda slot: slot.sequence):
            parts = list(group)
            if now - max(latest[one] for one in parts) <= PATIENCE:
                continue
            for first, last in missing_parts(parts):
                yield _alarm(Trouble.PARTS_MISSING, place, sequence, (first, last))
        for gap in missing_deliveries(slot.sequence for slot in slots):
            yield _alarm(Trouble.DELIVERIES_MISSING, place, 0, gap)


def _alarm(trouble: Trouble, place: dict[str, str], sequence: int, gap: tuple[int, int]) -> Alarm:
    return Alarm(trouble=trouble, sequence=sequence, first=gap[0], last=gap[1], **place)
