"""What was measured as bars (SVG) with the same as a table beside it; both are strings, made fast.

The drawing has no fixed size: what is placed in percent keeps its shape at every width, and
the bars alone are in an inner drawing that is stretched. So one path holds a year of them, and
texts stay as large as the page's. Colours and hatchings are the style sheet's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from markupsafe import Markup

from adapters.http.pages.bars import Kind
from adapters.http.pages.words import NO_BREAK, SHORT_MONTHS, kwh, number
from projections.periods import Grain, periods

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from adapters.http.pages.bars import Bar

HEIGHT: Final = 1_000
"""Of the inner drawing, in units of its own."""

SLOT: Final = 20
"""The width of a slot there; a bar leaves two units free on each side."""

LINES_MAX: Final = 5
SMALLEST: Final = 6
"""The height of a measured 0: to be seen, and told from a gap."""

DAYS_NAMED_MAX: Final = 62
"""Up to so many days each has its number under the axis."""

SLOTS_MIN: Final = 3
"""A single year is a bar, not a wall."""

_THOUSAND_KWH: Final = 10_000
"""In tenths of a kWh: from there on thousands are to be parted."""

_DRAWN: Final = (Kind.MEASURED, Kind.TOGETHER, Kind.PARTIAL, Kind.ACTIVE)
_HATCHED: Final = {
    Kind.MISSING: "hatch-missing",
    Kind.AWAITED: "hatch-awaited",
    Kind.HELD: "hatch-held",
}
_PATTERNS: Final = (
    '<defs><pattern id="hatch-missing" width="7" height="7" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><path class="stroke" d="M0 0V7"/></pattern>'
    '<pattern id="hatch-awaited" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<circle class="dot" cx="4" cy="4" r="1.1"/></pattern>'
    '<pattern id="hatch-held" width="8" height="8" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><path class="stroke" d="M0 0V8M0 0H8"/></pattern></defs>'
)


class Tick(NamedTuple):
    """A word under the axis, at the middle of some slots; a fine one is left out on a phone."""

    place: int
    slots: int
    word: str
    fine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What is under the bars: how many slots, and their words."""

    slots: int
    ticks: Sequence[Tick]


def drawing(bars: Sequence[Bar], axis: Axis, described_by: str, unit: str = "kWh") -> Markup:
    """Return the bars as an SVG; `described_by` is the id of what says the same in words.

    `unit` stands at the lines; empty where the bars have several.
    """
    top, step = _scale(max((bar.height for bar in bars), default=0))
    parts = [
        f'<svg class="chart" role="img" aria-labelledby="{described_by}" focusable="false">',
        _PATTERNS,
        '<svg class="plot" y="7%" width="100%" height="83%">',
        *_lines(top, step, unit),
        *_hatchings(bars, axis.slots),
        '<svg width="100%" height="100%" preserveAspectRatio="none"',
        f' viewBox="0 0 {axis.slots * SLOT} {HEIGHT}">',
        *_paths(bars, top),
        "</svg></svg>",
        *_words(axis),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - made of numbers and of this package's own words


def rows(bars: Iterable[Bar]) -> Markup:
    """Return the bars as rows of a table: days, thousands with one decimal, what is to be said."""
    parts = []
    for bar in bars:
        found = bar.value
        if found is None:
            value = "—"
        else:
            tenths = (found + 50) // 100
            value = f"{tenths // 10},{tenths % 10}"
            if tenths >= _THOUSAND_KWH:
                value = kwh(found)
        parts.append(
            f'<tr><th scope="row">{bar.label}</th><td>{value}</td><td>{bar.note}</td></tr>'
        )
    return Markup("\n".join(parts))  # noqa: S704 - made of numbers and of this package's own words


@lru_cache(maxsize=256)
def axis_of_days(first: date, last: date) -> Axis:
    """Return the axis of a window of days: of up to two months by day, of more by month."""
    slots = (last - first).days + 1
    if slots > DAYS_NAMED_MAX:
        return Axis(slots=slots, ticks=tuple(_month_ticks(first, last)))
    ticks = []
    for place in range(slots):
        day = (first + timedelta(days=place)).day
        ticks.append(Tick(place, 1, str(day), day != 1 and (day % 5 > 0 or day > 30)))  # noqa: PLR2004 - the 30th is named, the 31st beside it not
    return Axis(slots=slots, ticks=tuple(ticks))


def axis_of_periods(starts: Sequence[date], grain: Grain) -> Axis:
    """Return the axis of a slot a week, month or year, of which the first days are given."""
    slots = max(len(starts), SLOTS_MIN)
    if grain is Grain.WEEK:
        return Axis(slots=slots, ticks=tuple(_week_ticks(starts)))
    return Axis(slots=slots, ticks=[_tick(place, day, grain) for place, day in enumerate(starts)])


def _tick(place: int, day: date, grain: Grain) -> Tick:
    if grain is Grain.YEAR:
        return Tick(place, 1, str(day.year), fine=False)
    return Tick(place, 1, SHORT_MONTHS[day.month - 1], fine=bool(place % 2))


def _month_ticks(first: date, last: date) -> Iterator[Tick]:
    for place, (start, end) in enumerate(periods(Grain.MONTH, first, last)):
        days = (end - start).days + 1
        word = SHORT_MONTHS[start.month - 1]
        yield Tick((start - first).days, days, word, bool(place % 2))


def _week_ticks(starts: Sequence[date]) -> Iterator[Tick]:
    """Yield each month at the first week that begins in it."""
    known = 0
    for place, day in enumerate(starts):
        if day.month != known and place:
            yield Tick(place, 4, SHORT_MONTHS[day.month - 1], bool(day.month % 2 == 0))
        known = day.month


def _scale(highest: int) -> tuple[int, int]:
    """Return what the drawing's top is, and the step between its lines, as values of bars."""
    if not highest:
        return 0, 0
    step = 100
    while step * LINES_MAX < highest:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return max(-(-highest // step), 1) * step, step


def _lines(top: int, step: int, unit: str) -> Iterator[str]:
    for value in range(0, top + 1, step) if top else (0,):
        y = f"{100 - 100 * value / max(top, 1):.2f}%"
        yield f'<line class="rule" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        if value:
            yield f'<text class="level" x="-10" y="{y}" dy="4">{_level(value, unit)}</text>'


def _level(value: int, unit: str) -> str:
    exact = value % 1_000 == 0
    whole = number(value // 1_000) if exact else f"{value / 1_000:.1f}".replace(".", ",")
    return f"{whole}{NO_BREAK}{unit}" if unit else whole


def _paths(bars: Sequence[Bar], top: int) -> Iterator[str]:
    """Yield one path a kind of bar."""
    scale = HEIGHT / (top or 1)
    for kind in _DRAWN:
        drawn, end = [], -1
        for bar in bars:
            if bar.kind is not kind or bar.value is None:
                continue
            if bar.place != end:
                drawn.append(f"M{bar.place * SLOT + 2} {HEIGHT}")
            drawn.append(_outline(int(bar.height * scale), bar.slots))
            end = bar.place + bar.slots
        if drawn:
            yield f'<path class="{kind}" d="{"".join(drawn)}"/>'


@lru_cache(maxsize=4 * HEIGHT)
def _outline(height: int, slots: int) -> str:
    """Return a bar's outline from its left foot: up, across, down, and on to the next one's."""
    high = max(height, SMALLEST)
    return f"v-{high}h{slots * SLOT - 4}v{high}zm{slots * SLOT} 0"


def _hatchings(bars: Iterable[Bar], slots: int) -> Iterator[str]:
    """Yield a hatched surface for each run of what has no value."""
    runs: list[tuple[int, int, Kind]] = []
    for bar in bars:
        if bar.value is not None:
            continue
        if runs and runs[-1][2] is bar.kind and runs[-1][1] == bar.place:
            runs[-1] = (runs[-1][0], bar.place + bar.slots, bar.kind)
        else:
            runs.append((bar.place, bar.place + bar.slots, bar.kind))
    for start, end, kind in runs:
        place = f'x="{100 * start / slots:.3f}%" width="{100 * (end - start) / slots:.3f}%"'
        yield f'<rect class="{kind}" {place} y="0" height="100%" fill="url(#{_HATCHED[kind]})"/>'


def _words(axis: Axis) -> Iterator[str]:
    for tick in axis.ticks:
        middle = 100 * (tick.place + tick.slots / 2) / axis.slots
        kind = "tick fine" if tick.fine else "tick"
        yield f'<text class="{kind}" x="{middle:.2f}%" y="98%">{tick.word}</text>'
