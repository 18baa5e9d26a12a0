"""From the points of a load curve to civil days of runs of equal steps.

A point of a small connection (C5) is stamped at the *end* of its step: the value
at 00:30 is the mean power from 00:00 to 00:30, and the one at 00:00 closes the
day before. (Connections above 36 kVA stamp the start, in kW: another file.) Checked
on a real point: half-hours so assigned add up to the differences of its indexes,
to the Wh, on all days but a few that differ by one.

A file need not say its step, and a step may change within it, from an hour to half
an hour, with or without a hole. With `before` the distance to the point before and
`after` that to the next, the step of a point is

* what it was, if `before` equals it, or if `after` does (a hole before this point);
* `before`, if `after` is equal to it (the step changed here, no hole);
* `after` otherwise (a hole, and another step behind it).

A hole ends a run and is filled with nothing; None stands where the operator sent
a step without a value. A day of nothing but None is no reading.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from domain.errors import Malformed
from domain.events.reading import LoadCurveDayReceived, Run
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.values import Direction

STEPS_S: Final = (300, 600, 900, 1_800, 3_600)
"""The steps that meters have, in seconds."""

Point = tuple[datetime, int | None]
"""The end of a step, and its mean power in W."""


class IrregularCurve(Malformed):
    """The points have no step that can be told; `at` is the place of one of them, from 0."""

    def __init__(self, at: int, detail: str) -> None:
        super().__init__(detail)
        self.at = at
        self.detail = detail


def days(
    points: Sequence[Point], *, step_s: int | None = None
) -> list[tuple[date, tuple[Run, ...]]]:
    """Return the runs of each civil day that has a value; raise `IrregularCurve`.

    `step_s` is the file's own word for its step, None when it has none.
    """
    found: dict[date, list[tuple[datetime, int, int | None]]] = {}
    for (end, value), step in zip(points, _steps(points, step_s), strict=True):
        start = end - timedelta(seconds=step)
        found.setdefault(civil_day(start), []).append((start, step, value))
    return [
        (day, _runs(steps))
        for day, steps in found.items()
        if any(value is not None for _, _, value in steps)
    ]


def reading(
    day: date, runs: tuple[Run, ...], *, point: str, direction: Direction, quality: str
) -> LoadCurveDayReceived:
    """Return one day as an event."""
    return LoadCurveDayReceived(
        number=point,
        day=day,
        direction=direction,
        device=None,
        quality=quality,
        reference=None,
        runs=runs,
    )


def _steps(points: Sequence[Point], said: int | None) -> list[int]:
    gaps = [int((after - before).total_seconds()) for (before, _), (after, _) in pairwise(points)]
    steps: list[int] = []
    for at in range(len(points)):
        before = gaps[at - 1] if at else None
        after = gaps[at] if at < len(gaps) else None
        step = said or _step(steps[-1] if steps else None, before, after)
        if step not in STEPS_S:
            raise IrregularCurve(at, "a point of a curve with no known step")
        if before is not None and before < step:
            raise IrregularCurve(at, "points of a curve that overlap or go back")
        steps.append(step)
    return steps


def _step(current: int | None, before: int | None, after: int | None) -> int | None:
    if current is not None and current in (before, after):
        return current
    if before is not None and after in (None, before):
        return before
    return after


def _runs(steps: list[tuple[datetime, int, int | None]]) -> tuple[Run, ...]:
    groups: list[list[tuple[datetime, int, int | None]]] = []
    for entry in steps:
        last = groups[-1][-1] if groups else None
        if last and last[1] == entry[1] and last[0] + timedelta(seconds=last[1]) == entry[0]:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return tuple(
        Run(
            start=group[0][0].astimezone(UTC),
            step_s=group[0][1],
            power_w=tuple(value for _, _, value in group),
        )
        for group in groups
    )
