"""R26: the process that carries retention out is killed at every point, and at moments between."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupted_retention import (
    points_of,
    prepare,
    retain_through_a_kill,
    retain_through_a_moment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place, Site

pytestmark = [pytest.mark.campaign, pytest.mark.chaos]
TIMES = 10
MOMENTS = 100


def test_a_run_killed_ten_times_at_every_point_is_ended_by_the_next_process(
    site: Site, place: Place, tmp_path: Path
) -> None:
    kept = prepare(place, tmp_path)
    whole = site.copy(place)
    points = points_of(whole)
    site.drop(whole)
    assert len(points) >= 15
    for point in points:
        for _ in range(TIMES):
            copy = site.copy(place)
            retain_through_a_kill(copy, point, kept)
            site.drop(copy)
        print(f"  {TIMES} x {point}", flush=True)
    print(
        f"retention: killed -9 at {len(points)} points, {TIMES} times each: all "
        f"{len(points) * TIMES} ended by the next process, one certificate a run, none told "
        "early, whoever is held and what is not past whole"
    )


def test_a_run_killed_at_any_moment_is_ended_by_the_next_process(
    site: Site, place: Place, tmp_path: Path
) -> None:
    kept = prepare(place, tmp_path)
    whole = site.copy(place)
    begun = time.monotonic()
    points_of(whole)
    lasts_s = time.monotonic() - begun
    site.drop(whole)
    chance, killed = Random(100), 0
    for _ in range(MOMENTS):
        copy = site.copy(place)
        killed += retain_through_a_moment(copy, chance.uniform(0, lasts_s), kept)
        site.drop(copy)
    print(f"\nretention: killed -9 at {killed} random moments of {MOMENTS}: each ended by the next")
    assert killed > MOMENTS / 4
