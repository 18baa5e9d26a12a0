"""A thousand withdrawals, each with a delivery at the same moment."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.racing import race

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place

TRIES = 1_000


@pytest.mark.campaign
def test_of_1000_withdrawals_none_is_followed_by_a_reading(place: Place, tmp_path: Path) -> None:
    done = race(place, tmp_path, TRIES, Random(1000))
    print(
        f"\n{TRIES} withdrawals against deliveries: {done.accepted} deliveries came first, "
        f"{TRIES - done.accepted} came too late, {done.voids} records were void and decided again; "
        f"readings after a withdrawal: {done.late}"
    )
    assert (done.late, done.ended) == (0, TRIES)
    assert 0 < done.accepted < TRIES, "both came first at times, or nothing was tried"
    assert done.voids > 0, "some were decided before the withdrawal and folded after it"
