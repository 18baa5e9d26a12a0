"""An erasure against everything its person is doing at the same moment."""

from __future__ import annotations

from random import Random

from tests.scenarios.rivals import ACTS, race

VICTIMS = 4


def test_whatever_races_an_erasure_comes_before_it_or_not_at_all() -> None:
    done = race(VICTIMS, Random(4))
    assert done.outcomes.total() == VICTIMS * ACTS
    assert done.amiss == 0, done
    assert done.granted >= VICTIMS
    assert any(outcome.startswith("refused") for outcome in done.outcomes)
