"""The bar: a thousand appends, grants, sign-ins and the like against a hundred erasures."""

from __future__ import annotations

from random import Random

import pytest

from tests.scenarios.rivals import ACTS, race

VICTIMS = 100


@pytest.mark.campaign
def test_of_a_thousand_acts_at_once_with_an_erasure_none_survives_it() -> None:
    done = race(VICTIMS, Random(1000))
    print(
        f"\n{VICTIMS * ACTS} acts against {VICTIMS} erasures: consents granted after a validation "
        f"{done.late_grants}, of {done.granted} granted not ended {done.unended}, readings after "
        f"their consent's end or an order {done.late_readings}, keys used that no order names "
        f"{done.foreign_keys}, living keys {done.living_keys}, index entries {done.entries}, "
        f"sessions that let in {done.sessions}, facts in clear {len(done.in_clear)}"
    )
    for outcome, count in done.outcomes.most_common():
        print(f"  {count:>5} {outcome}")
    assert done.outcomes.total() == VICTIMS * ACTS
    assert done.amiss == 0, done
    for act in ("granted", "taken in", "signed in", "declared", "chosen"):
        assert done.outcomes[act] > 0, f"{act} never came first: nothing was raced"
    assert done.outcomes["refused: NotSignedIn"] > 0
