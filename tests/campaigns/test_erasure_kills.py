"""R26: the process that erases is killed at every step there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupting import STEPS, erase_through_a_kill, prepare

if TYPE_CHECKING:
    from tests.application.world import Place, Site

pytestmark = [pytest.mark.campaign, pytest.mark.chaos]


def test_an_erasure_killed_at_every_step_is_ended_by_the_next_process(
    site: Site, place: Place
) -> None:
    leaving, staying = prepare(place)
    for step in STEPS:
        copy = site.copy(place)
        erase_through_a_kill(copy, step, leaving, staying)
        site.drop(copy)
    print(
        f"\nerasure: killed -9 at {len(STEPS)} steps, each ended by the next process, one "
        "certificate each, none reported early"
    )
