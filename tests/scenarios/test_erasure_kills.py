"""R26: an erasure may be killed at any point, and is never called a success before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupted_erasure import erase_through_a_kill, points_of, prepare
from tests.scenarios.interrupting import with_a_backup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Household, Place, Site

SAMPLE = (
    "a consent ended",
    "a notice kept",
    "a notice's points reserved",
    "appended: NoticeQueued.v1",
    "a notice queued",
    "appended: DestructionOrdered.v1",
    "destroy: written",
    "epoch: committed",
    "certified",
)


@pytest.fixture(scope="module")
def asked(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Household, Household]]:
    """A ledger in which somebody's erasure is validated and nothing of it is done."""
    place = site.copy(founded)
    yield place, *prepare(place, tmp_path_factory.mktemp("nights"))
    site.drop(place)


def test_an_erasure_passes_more_than_twenty_points(
    site: Site, asked: tuple[Place, Household, Household]
) -> None:
    copy = site.copy(asked[0])
    points = points_of(with_a_backup(copy), asked[1])
    site.drop(copy)
    assert len(points) > 20
    assert set(SAMPLE) < set(points)
    assert points[-1] == "certified"


@pytest.mark.chaos
@pytest.mark.parametrize("point", SAMPLE)
def test_an_erasure_killed_at_a_point_is_ended_by_the_next_process(
    site: Site, asked: tuple[Place, Household, Household], point: str
) -> None:
    place, leaving, staying = asked
    copy = site.copy(place)
    erase_through_a_kill(with_a_backup(copy), point, leaving, staying)
    site.drop(copy)
