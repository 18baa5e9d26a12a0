"""A retention run may be killed at any point, and is never called a success before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupted_retention import points_of, prepare, retain_through_a_kill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Place, Site
    from tests.scenarios.interrupted_retention import Kept

STEPS = ("ordered", "keys destroyed", "pages purged", "epoch ended", "certified")
SAMPLE = (
    *STEPS,
    "destroy: written",
    "keys destroyed (2)",
    "epoch: committed",
    "appended: RetentionCarriedOut.v1",
    "certified (2)",
)


@pytest.fixture(scope="module")
def kept(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Kept]]:
    """A ledger in which two matters are past their period, and nothing of it is done."""
    place = site.copy(founded)
    yield place, prepare(place, tmp_path_factory.mktemp("nights"))
    site.drop(place)


def test_the_runs_pass_more_than_thirty_points(site: Site, kept: tuple[Place, Kept]) -> None:
    copy = site.copy(kept[0])
    points = points_of(copy)
    site.drop(copy)
    assert len(points) > 30
    assert set(SAMPLE) < set(points)
    assert points[-1] == "certified (2)"


@pytest.mark.chaos
@pytest.mark.parametrize("point", SAMPLE)
def test_a_run_killed_at_a_point_is_ended_by_the_next_process(
    site: Site, kept: tuple[Place, Kept], point: str
) -> None:
    place, before = kept
    copy = site.copy(place)
    retain_through_a_kill(copy, point, before)
    site.drop(copy)
