"""R26: an erasure may be killed at any step, and is never called a success before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.interrupting import erase_through_a_kill, prepare

if TYPE_CHECKING:
    from tests.application.world import Place


@pytest.mark.chaos
@pytest.mark.parametrize("step", ["destruction ordered", "destroy: journalled", "epoch: committed"])
def test_an_erasure_killed_at_a_step_is_ended_by_the_next_process(place: Place, step: str) -> None:
    erase_through_a_kill(place, step, *prepare(place))
