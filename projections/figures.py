"""What a month's page says of its days, worked out when it is filed and sealed beside it.

A page is read far more often than it is filed. So what lies between its own midnights is
kept as figures, with the first and the last of these midnights as they were received: from
one month to the next the domain itself says what lies between the two (`joined`). Figures
hold nothing that the page does not; they are made anew with it, from it alone.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.aggregates.consumption import DayConsumption, HeldBack, between
from keys import sealing
from projections.entries import Entry
from projections.midnights import advance, counted, differences, indexes_of, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from uuid import UUID

    from domain.aggregates.reading import Taken
    from keys.key import Key
    from projections.midnights import Run

_FIGURES: Final = b"metroledger/figures/v1\0"
"""Another version wherever the domain's answer changes: then `projections rebuild`."""
_from_ordinal: Final = date.fromordinal


class Edge(NamedTuple):
    """A midnight of which a value is known, with all rows that speak of it.

    `day` is the ordinal of the day that begins there; `disputed` says that its rows
    contradict each other. `counting` are the registers that count towards another midnight
    of the same kin, by position; none where only the domain can tell.
    """

    day: int
    rows: list[Entry]
    disputed: bool
    counting: tuple[int, ...]


class Stretch(NamedTuple):
    """Pieces that follow each other, each of `span` days: energies in Wh, or why there is none.

    `day` is the ordinal of the first one's first day.
    """

    day: int
    span: int
    disputed: bool
    energies: list[int | HeldBack]


class Figures(NamedTuple):
    """A month: its first and last known midnight, and what lies between these two.

    Both are None where no midnight of it is known, and the same one where one is.
    """

    opening: Edge | None
    closing: Edge | None
    stretches: list[Stretch]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Figures)


def seal_figures(consent: UUID, month: date, key: Key, figures: Figures | None) -> bytes:
    """Seal a month's figures; nothing where it has none."""
    if figures is None:
        return b""
    return sealing.seal(key, _encoder.encode(figures), _binding(consent, month))


def open_figures(consent: UUID, month: date, key: Key, sealed: bytes) -> Figures | None:
    """Open a month's figures, None where it has none. Raises `SealBroken`."""
    return _decoder.decode(sealing.open(key, sealed, _binding(consent, month))) if sealed else None


def figures_of(entries: Sequence[Entry]) -> Figures | None:
    """Return the figures of a month's readings, None where only the domain can tell them."""
    indexes = indexes_of(entries)
    if indexes is None:
        return None
    runs = list(runs_of(indexes))
    if not runs:
        return Figures(None, None, [])
    return Figures(_edge(runs[0], 0), _edge(runs[-1], -1), list(_stretches(runs)))


def joined(months: Iterable[Figures]) -> list[DayConsumption]:
    """Return what was consumed between the known midnights of months, in their order."""
    pieces: list[DayConsumption] = []
    former: Edge | None = None
    for month in months:
        if month.opening is None:
            continue
        if former is not None:
            pieces += _pieces(_between(former, month.opening))
        for stretch in month.stretches:
            pieces += _pieces(stretch)
        former = month.closing
    return pieces


def _pieces(stretch: Stretch) -> list[DayConsumption]:
    day, span, disputed, energies = stretch
    starts = map(_from_ordinal, range(day, day + span * len(energies), span))
    rest = timedelta(days=span - 1)
    return [
        DayConsumption(
            first_day=first,
            last_day=first + rest if span > 1 else first,
            energy_wh=energy if isinstance(energy, int) else None,
            held=None if isinstance(energy, int) else energy,
            disputed=disputed,
        )
        for first, energy in zip(starts, energies, strict=True)
    ]


def _binding(consent: UUID, month: date) -> bytes:
    return _FIGURES + consent.bytes + month.isoformat().encode()


def _between(before: Edge, after: Edge) -> Stretch:
    energy: int | HeldBack | None = None
    if before.counting and before.counting == after.counting:
        energy = advance(before.rows[0].packed, after.rows[0].packed, before.counting)
    if energy is None:
        energy = between(_taken(before), _taken(after))
    disputed = before.disputed or after.disputed
    return Stretch(before.day, after.day - before.day, disputed, [energy])


def _taken(edge: Edge) -> list[Taken]:
    return [row.taken for row in edge.rows]


def _edge(run: Run, place: int) -> Edge:
    counting = counted(run)
    plain = () if isinstance(counting, HeldBack) else counting
    return Edge(run.days[place].toordinal(), list(run.rows[place]), run.disputed, plain)


def _stretches(runs: Sequence[Run]) -> Iterator[Stretch]:
    """Yield the pieces between midnights, equally long ones that follow each other together."""
    stretch: Stretch | None = None
    for opened, closed, energy, disputed in differences(runs):
        day, span = opened.toordinal(), (closed - opened).days
        if stretch and (span, disputed) == (stretch.span, stretch.disputed):
            stretch.energies.append(energy)
            continue
        if stretch:
            yield stretch
        stretch = Stretch(day, span, disputed, [energy])
    if stretch:
        yield stretch
