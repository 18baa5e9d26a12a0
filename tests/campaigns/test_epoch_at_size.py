"""The end of an epoch over a metropolis is killed at every step, and at random moments."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from bench.epoch import PERSONS, Home, lookups_of, names_of, owner_of, settle
from keys.epochs import _PIECE, STEPS
from tests.application.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from keys.key import Key
    from keys.names import KeyName
    from keys.store import KeyStore

DAILY: Final = _PIECE + 500
"""Persons of the daily run: more than one piece has, so that a kill falls between two."""
RANDOM_KILLS: Final = 12
SAMPLE: Final = 2_000

ENDER: Final = """
import os, signal, sys
from pathlib import Path
from bench.epoch import NOW, Home

def step(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

with Home(Path(sys.argv[1])).open(step) as store:
    print("open", flush=True)
    store.end_epoch(NOW)
"""


def start(home: Home, step: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ENDER, str(home.root), step],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def survived(home: Home, kills: int, persons: int, seed: int) -> list[float]:
    """Kill at every step and at random moments; return how long each opening took, in seconds."""
    chance = random.Random(seed)
    with home.create() as store:
        settle(store, persons)
        some = chance.sample(range(persons), min(SAMPLE, persons))
        minted = store.find(name for number in some for name in names_of(number))
    openings = []
    for step in (*STEPS, *[""] * kills):
        with start(home, step) as process:
            assert process.stdout is not None
            process.stdout.readline()
            if not step:
                time.sleep(chance.uniform(0, 10 * persons / PERSONS))
                process.kill()
            process.wait()
        begun = time.monotonic()
        with home.open() as store:
            openings.append(time.monotonic() - begun)
            look(home, store, some, minted)
    with home.open() as store:
        everybody = range(persons)
        for first in range(0, persons, 10_000):
            wanted = [name for n in everybody[first : first + 10_000] for name in names_of(n)]
            assert len(store.find(wanted)) == len(wanted)
    return openings


def look(home: Home, store: KeyStore, some: list[int], minted: dict[KeyName, Key]) -> None:
    assert store.find(minted) == minted
    assert not store.is_ending()
    found = store.index.find_many(lookup for number in some for lookup in lookups_of(number))
    assert len(found) == 2 * len(some)
    assert {one.owner for entries in found.values() for one in entries} == set(map(owner_of, some))
    assert home.root.exists()


def test_an_epochs_end_killed_anywhere_is_finished_when_the_store_is_opened(
    tmp_path: Path,
) -> None:
    openings = survived(Home(tmp_path / "home"), kills=2, persons=DAILY, seed=1)
    assert len(openings) == len(STEPS) + 2


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_an_epochs_end_over_a_metropolis_killed_anywhere_is_finished(tmp_path: Path) -> None:
    openings = survived(Home(tmp_path / "home"), kills=RANDOM_KILLS, persons=PERSONS, seed=2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{PERSONS:,} persons, {4 * PERSONS:,} keys: killed at {len(STEPS)} steps and at "
        f"{RANDOM_KILLS} random moments, nothing lost; finished on opening in "
        f"{sorted(openings)[len(openings) // 2]:.1f} s (median), {max(openings):.1f} s at most, "
        f"in {peak:,.0f} MB"
    )
