"""Folders are stopped in the middle of a fold, wake up long after, and must change nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from adapters.postgres.connections import STILL_S
from replay.rebuild import rebuild
from tests.application.world import ORIGIN, ROOT
from tests.chaos.at_work import at_work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Place

pytestmark = pytest.mark.chaos

SILENCE_S: Final = STILL_S + 2.0
"""So long each may hold the others up, where it was stopped in its transaction."""


@dataclass(slots=True)
class Zombie:
    """A folder that falls asleep again and again; it is woken when the others have gone on."""

    place: Place
    seed: int
    times: int
    asleep: int = 0
    rejected: int = 0
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.folder", str(self.seed)],
            env=self.place.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self) -> None:
        """Wake it as often as it is to sleep, then end it."""
        with self.process as process:
            try:
                self._watch(process)
            finally:
                process.kill()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        slept_at = None
        for line in process.stdout:
            what, *numbers = line.split()
            if what == "asleep":
                slept_at = int(numbers[0])
                self.asleep += 1
                os.waitid(os.P_PID, process.pid, os.WSTOPPED)
                self._outlast(slept_at)
                process.send_signal(signal.SIGCONT)
            elif slept_at is not None:
                self.rejected += (what, int(numbers[0])) == ("stale", slept_at)
                slept_at = None
                if self.asleep >= self.times:
                    return

    def _outlast(self, stands: int) -> None:
        """Wait until others have folded on."""
        with psycopg.connect(self.place.database or "", autocommit=True) as connection:
            while True:
                row = connection.execute('select "offset" from cursor').fetchone()
                if row is not None and row[0] > stands:
                    return
                time.sleep(0.01)


@contextlib.contextmanager
def haunted(place: Place, count: int, times: int) -> Iterator[list[Zombie]]:
    """Let so many zombies fold meanwhile, and wait until each has slept `times`."""
    zombies = [Zombie(place, seed, times) for seed in range(count)]
    threads = [threading.Thread(target=zombie.run, daemon=True) for zombie in zombies]
    for thread in threads:
        thread.start()
    try:
        yield zombies
        for thread in threads:
            thread.join()
    finally:
        for zombie in zombies:
            zombie.process.kill()


def haunt(place: Place, count: int, times: int) -> str:
    """Let so many zombies sleep so often each under residents; return what came of it."""
    began = time.monotonic()
    with at_work(place) as working, haunted(place, count, times) as zombies:
        pass
    silence_s = working.residents.longest_silence(began)
    asleep = sum(zombie.asleep for zombie in zombies)
    rejected = sum(zombie.rejected for zombie in zombies)
    doubled = rows_too_many(place)
    told = (
        f"{count} zombies stopped {asleep} times, {rejected} stale folds rejected, {doubled} "
        f"double rows; nothing was written for {silence_s:.1f} s at most; {working.found}"
    )
    assert rejected == asleep == count * times, told
    assert doubled == 0, told
    assert silence_s < count * SILENCE_S, told
    assert working.residents.late == 0, told
    return told


def rows_too_many(place: Place) -> int:
    """Count the rows of the fold that a refold of the topic does not have."""
    with place.open() as ledger:
        again = rebuild(ledger.log, ledger.store, ORIGIN)
        assert again.same
    expected = {
        "select count(*) from leaves": again.again.size,
        "select max(leaf) + 1 from leaves": again.again.size,
        "select sum(events) from segments": again.again.position,
        "select sum(events) from commits": again.again.position,
        "select count(*) from heads": again.streams,
    }
    with psycopg.connect(place.database or "") as connection:
        rows = {query: connection.execute(query.encode()).fetchone() for query in expected}
    return sum(abs(int(row[0]) - expected[query]) for query, row in rows.items() if row)


@pytest.mark.timeout(300)
def test_a_folder_that_was_stopped_and_wakes_changes_nothing(on_broker: Place) -> None:
    print(f"\nzombie folders: {haunt(on_broker, 2, 4)}")


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_two_to_four_zombies(on_broker: Place, count: int) -> None:
    print(f"\nzombie folders: {haunt(on_broker, count, 30)}")
