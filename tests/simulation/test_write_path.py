"""The write path under every fault at once: thousands of schedules, and not one violation.

To see what a schedule did, and where: python -m tests.simulation SEED [MUTANT]
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from ledger.fold import fold_batch, needs, parse
from ledger.log import Entry
from ledger.memory import MemoryFoldStore
from ledger.rule import Rule, Void
from tests.simulation.mutants import MUTANTS, REAL, Parts
from tests.simulation.schedule import play
from tests.simulation.world import Violation, World

BLOCK = 500
SAMPLE = 10_000
CAMPAIGN = 100_000
MUTANT_BUDGET = 1_000


def play_or_tell(seed: int, parts: Parts = REAL) -> World:
    """Play a schedule; where something fails, say how to see it."""
    try:
        return play(seed, parts)
    except Exception as error:
        error.add_note(f"replay it: python -m tests.simulation {seed}")
        raise


@pytest.mark.parametrize("first", range(0, SAMPLE, BLOCK))
def test_no_schedule_violates_an_invariant(first: int) -> None:
    """Blocks, so that two workers share them; the first ones are the mutants' schedules too."""
    for seed in range(first, first + BLOCK):
        play_or_tell(seed)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_clause_is_needed(mutant: str) -> None:
    """Within the first 1,000 schedules, in which the unbroken path violates nothing."""
    for seed in range(MUTANT_BUDGET):
        try:
            play(seed, MUTANTS[mutant])
        except Violation:
            return
    pytest.fail(f"{mutant}: no violation in {MUTANT_BUDGET} schedules")


def test_one_seed_is_one_schedule() -> None:
    for seed in range(20):
        traces: tuple[list[str], list[str]] = ([], [])
        logs = [play(seed, trace=trace).log.records for trace in traces]
        assert traces[0] == traces[1]
        assert logs[0] == logs[1]
        assert play(seed).log.records == logs[0], "telling a schedule does not change it"


CORNERS = (
    *(f"{kind}: done" for kind in ("grant", "withdraw", "extend", "erase", "end", "deliver")),
    *(f"{kind}: refused" for kind in ("grant", "withdraw", "extend", "erase")),
    *(f"{kind}: nothing to do" for kind in ("withdraw", "erase", "end", "deliver")),
    *("start: done", "stop: done", "stop: nothing to do"),
    *(f"died: {who}" for who in ("grant", "withdraw", "deliver", "folder", "reader", "publisher")),
    "RefusedBefore",
    "a folder came too late",
    "a publication was finished by another",
    "a faulty program wrote",
    "sent again",
    "sent by a second process",
    "void",
)


def test_the_schedules_reach_every_corner() -> None:
    """A simulation in which nothing happens would hold every invariant, too."""
    counts: Counter[str] = Counter()
    voids: Counter[Void] = Counter()
    for seed in range(300):
        world = play_or_tell(seed)
        counts.update(world.counts)
        voids.update(voids_of(world))
    assert {corner for corner in CORNERS if not counts[corner]} == set()
    assert voids.keys() == set(Void)


def voids_of(world: World) -> list[Void]:
    """Return why records of a schedule's log were void."""
    entries = [parse(Entry(offset, record)) for offset, record in enumerate(world.log.records)]
    empty = MemoryFoldStore()
    streams, commands = needs(entries)
    _, voids = fold_batch(
        Rule(), empty.cursor(), entries, empty.heads(streams), empty.fates(commands)
    )
    return list(voids.values())


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_no_schedule_of_the_campaign_violates_an_invariant() -> None:
    counts: Counter[str] = Counter()
    begun = time.perf_counter()
    for seed in range(CAMPAIGN):
        counts.update(play_or_tell(seed).counts)
    seconds = time.perf_counter() - begun
    print(f"\nsimulation: {CAMPAIGN} schedules, 0 violations, {CAMPAIGN / seconds:.0f} a second")
    for what, count in sorted(counts.items()):
        print(f"  {count:9,} {what}")


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_the_campaign_prints_where_each_mutant_is_caught() -> None:
    print()
    for mutant, parts in MUTANTS.items():
        caught = {}
        for seed in range(MUTANT_BUDGET):
            try:
                play(seed, parts)
            except Violation as violation:
                caught[seed] = str(violation)
        first = min(caught)
        print(f"  {mutant:<34} {len(caught):4} of {MUTANT_BUDGET}; seed {first}: {caught[first]}")
