"""A withdrawal is final in the log itself, whatever a delivery believes at the same moment."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.scenarios.racing import race

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place


def test_of_a_withdrawal_and_a_delivery_at_once_no_reading_comes_after_the_withdrawal(
    place: Place, tmp_path: Path
) -> None:
    done = race(place, tmp_path, 10, Random(10))
    assert (done.late, done.ended) == (0, 10)
    assert done.accepted == sum("accepted=1" in said for said in done.answers.elements())
    assert done.answers.total() == 10
