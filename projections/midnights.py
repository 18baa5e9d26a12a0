"""From packed indexes to what lies between their midnights, at a tenth of the domain's time.

What differs between two midnights is nearly always the values alone: the same meter, the
same calendars, the same registers. Packed, two such indexes are equal in all their bytes
but the instant and the row of values at their end, so their difference needs no unpacking:
which of the values count is learnt once from the domain (`basis`), for each text of the
middle bytes. Whatever is not of this kind, several rows of one instant, another shape, an
interval, goes to the domain itself. A test holds that both roads give the same answer.
"""

from __future__ import annotations

from datetime import date
from itertools import repeat
from operator import sub
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.aggregates.consumption import HeldBack, basis, between, disputed
from domain.aggregates.reading import says_a_value
from domain.events.reading import IndexReceived, IntervalReceived
from projections.entries import INDEX, Entry, day_at
from schemas.packing import flows_to_the_network, outline, seconds_of_index
from schemas.packing_words import ODD_INSTANT
from schemas.registry import KIND_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from domain.aggregates.reading import Taken
    from schemas.packing import Outline

_INTERVAL: Final = KIND_OF[IntervalReceived]


class Run(NamedTuple):
    """Midnights that follow each other, with all rows that speak of each.

    Of plain indexes that are kin there is one row each, and `values` has what they hold; any
    other midnight is a run of its own, `disputed` where its rows say several values.
    """

    days: list[date]
    rows: list[Sequence[Entry]]
    values: list[tuple[int, ...]]
    disputed: bool = False


def indexes_of(entries: Sequence[Entry]) -> dict[int, list[Entry]] | None:
    """Return the indexes of consumption by their second, in order.

    None where there is anything that is nothing for the short road.
    """
    by_second: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.kind == _INTERVAL:
            return None
        if entry.kind == INDEX:
            second = seconds_of_index(entry.packed)
            if second == ODD_INSTANT:
                return None
            if not flows_to_the_network(entry.packed):
                by_second.setdefault(second, []).append(entry)
    return dict(sorted(by_second.items()))


def runs_of(indexes: Mapping[int, list[Entry]]) -> Iterator[Run]:
    """Yield the midnights of which a value is known, in order, those of one kin together."""
    run: Run | None = None
    known: Outline | None = None
    for second, rows in indexes.items():
        day, begins = day_at(second)
        if not begins:
            continue
        packed = rows[0].packed
        alone = len(rows) == 1
        if run and known and alone and _are_kin(run.rows[-1][0].packed, packed, known.row):
            run.days.append(day)
            run.rows.append(rows)
            run.values.append(known.values.unpack_from(packed, known.row))
            continue
        if run is not None:
            yield run
        run, known = None, outline(packed) if alone else None
        if known is not None:
            run = Run([day], [rows], [known.values.unpack_from(packed, known.row)])
        elif any(says_a_value(row.reading) for row in rows):
            yield Run([day], [rows], [], disputed=not alone and disputed(_taken(rows)))
    if run is not None:
        yield run


def differences(runs: Iterable[Run]) -> Iterator[tuple[date, date, int | HeldBack, bool]]:
    """Yield what lies between each two midnights: along runs, and from one to the next.

    The two days that begin there, the energy, and whether it is disputed.
    """
    former: Run | None = None
    for run in runs:
        if former is not None:
            energy = between(_taken(former.rows[-1]), _taken(run.rows[0]))
            yield former.days[-1], run.days[0], energy, former.disputed or run.disputed
        if len(run.days) > 1:
            for opened, closed, energy in zip(run.days, run.days[1:], _advances(run), strict=False):
                yield opened, closed, energy, False
        former = run


def counted(run: Run) -> tuple[int, ...] | HeldBack:
    """Return which registers of a run count, by position; none where only the domain can tell."""
    reading = run.rows[0][0].reading
    if not run.values or not isinstance(reading, IndexReceived):
        return ()
    return basis(reading.registers)


def advance(before: bytes, after: bytes, counting: Sequence[int]) -> int | None:
    """Return what these registers advanced by from one packed index to another of its kin.

    None where they are not kin, or one went back.
    """
    known = outline(before)
    if known is None or not _are_kin(before, after, known.row):
        return None
    opening, closing = (known.values.unpack_from(packed, known.row) for packed in (before, after))
    advances = [closing[place] - opening[place] for place in counting]
    return sum(advances) if min(advances) >= 0 else None


def _advances(run: Run) -> Iterator[int | HeldBack]:
    """Yield what the registers that count advanced by, along a run of plain indexes.

    A column for each register, so that the loops are Python's own. Where one went back, or
    where nothing says which ones count, it is the domain's to say.
    """
    counting = counted(run)
    if isinstance(counting, HeldBack):
        yield from repeat(counting, len(run.days) - 1)
        return
    columns = tuple(zip(*run.values, strict=True))
    advances = [tuple(map(sub, columns[place][1:], columns[place])) for place in counting]
    for place, registers in enumerate(zip(*advances, strict=True)):
        if min(registers) >= 0:
            yield sum(registers)
        else:
            yield between(_taken(run.rows[place]), _taken(run.rows[place + 1]))


def _are_kin(one: bytes, other: bytes, row: int) -> bool:
    return len(one) == len(other) and one[:8] == other[:8] and one[12:row] == other[12:row]


def _taken(rows: Sequence[Entry]) -> list[Taken]:
    return [row.taken for row in rows]
