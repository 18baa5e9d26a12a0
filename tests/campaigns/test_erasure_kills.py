"""R26: the process that erases is killed at every point there is, and at moments between them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupted_erasure import (
    erase_through_a_kill,
    erase_through_a_moment,
    points_of,
    prepare,
)
from tests.scenarios.interrupting import with_a_backup

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place, Site

pytestmark = [pytest.mark.campaign, pytest.mark.chaos]
TIMES = 10
MOMENTS = 300
LASTS_S = 0.12
"""About what an erasure takes here; a third of the kills may come after its end."""


def test_an_erasure_killed_ten_times_at_every_point_is_ended_by_the_next_process(
    site: Site, place: Place, tmp_path: Path
) -> None:
    leaving, staying = prepare(place, tmp_path / "nights")
    whole = site.copy(place)
    points = points_of(with_a_backup(whole), leaving)
    site.drop(whole)
    assert len(points) >= 15
    for point in points:
        for _ in range(TIMES):
            copy = site.copy(place)
            erase_through_a_kill(with_a_backup(copy), point, leaving, staying)
            site.drop(copy)
        print(f"  {TIMES} x {point}", flush=True)
    print(
        f"erasure: killed -9 at {len(points)} points, {TIMES} times each: all "
        f"{len(points) * TIMES} ended by the next process, one certificate each, none told early, "
        "the other person's readings whole"
    )


def test_an_erasure_killed_at_any_moment_is_ended_by_the_next_process(
    site: Site, place: Place, tmp_path: Path
) -> None:
    leaving, staying = prepare(place, tmp_path / "nights")
    chance, killed = Random(300), 0
    for _ in range(MOMENTS):
        copy = site.copy(place)
        killed += erase_through_a_moment(
            with_a_backup(copy), chance.uniform(0, LASTS_S), leaving, staying
        )
        site.drop(copy)
    print(f"\nerasure: killed -9 at {killed} random moments of {MOMENTS}: each ended by the next")
    assert killed > MOMENTS / 3
