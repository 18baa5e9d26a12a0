"""What the bars of a page say together, and which days they lack."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from adapters.http.pages import bars, words
from adapters.http.pages.bars import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.http.pages.bars import Bar

RUNS_NAMED_MAX: Final = 6
_LACKING: Final = {Kind.MISSING, Kind.HELD, Kind.PARTIAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What bars add up to; `total` (Wh) None where nothing does.

    `missing` and `held` name the days that are not in it, `missing_more` counts the runs of
    days that are not named. `is_whole` says that no bar lacks days it should have.
    """

    total: int | None
    missing: tuple[str, ...]
    missing_more: int
    held: tuple[tuple[str, str], ...]
    is_whole: bool


def summary(drawn: Sequence[Bar]) -> Summary:
    """Return the sum of the bars, and the days that are not in it, by name."""
    values = [bar.value for bar in drawn if bar.value is not None]
    lacking = [bar for bar in drawn if bar.kind in _LACKING]
    missing = [words.between(*run) for run in bars.runs(lacking, Kind.MISSING)]
    return Summary(
        total=sum(values) if values else None,
        missing=tuple(missing[:RUNS_NAMED_MAX]),
        missing_more=max(0, len(missing) - RUNS_NAMED_MAX),
        held=tuple(_held(lacking)),
        is_whole=not lacking,
    )


def _held(lacking: Iterable[Bar]) -> Iterator[tuple[str, str]]:
    """Yield what is held back: bars that follow each other for one cause by their days."""
    held = [bar for bar in lacking if bar.kind is Kind.HELD]
    for note, bars_of_note in groupby(held, key=lambda bar: bar.note):
        some = list(bars_of_note)
        days = bars.runs(some, Kind.HELD)
        yield from (
            (some[0].label if len(some) == 1 else words.between(*run), note) for run in days
        )


def kinds_of(drawn: Sequence[Bar]) -> list[Kind]:
    """Return which kinds of bars there are, in the order of the legend."""
    found = {bar.kind for bar in drawn}
    return [kind for kind in Kind if kind in found]
