"""A guard asks again after silence, at once when woken, and keeps to what it has found."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from adapters.postgres.connections import DatabaseUnavailable
from application.committer import Committer
from application.guard import Guard, NotComparedYet, look_over
from ledger.fold import Folder, LogNotOurs
from ledger.memory import MemoryFoldStore
from ledger.record import Kind
from ledger.rule import UnknownRule
from ledger.simulated import SimulatedLog
from tests.ledger.builders import GENESIS, ORIGIN, commit, name, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG_S = 60.0


@pytest.fixture
def guarding() -> Iterator[Callable[..., Guard]]:
    made: list[Guard] = []

    def start(check: Callable[[], None], every_s: float = LONG_S) -> Guard:
        made.append(Guard(check, every_s=every_s))
        made[-1].start()
        return made[-1]

    yield start
    for guard in made:
        guard.close()


def test_it_looks_at_every_interval_and_at_once_when_woken(
    guarding: Callable[..., Guard],
) -> None:
    looked = threading.Semaphore(0)
    guarding(looked.release, 0.01)
    assert all(looked.acquire(timeout=5) for _ in range(3))
    woken = threading.Semaphore(0)
    guard = guarding(woken.release)
    assert not woken.acquire(timeout=0.1), "a start makes its own check"
    guard.wake()
    assert woken.acquire(timeout=5)
    guard.ensure()


def test_silence_and_a_fault_of_ours_are_no_finding_and_it_is_asked_again(
    guarding: Callable[..., Guard],
) -> None:
    answers = iter([DatabaseUnavailable(), ZeroDivisionError(), None])
    healthy = threading.Event()

    def check() -> None:
        answer = next(answers)
        if answer is not None:
            raise answer
        healthy.set()

    guard = guarding(check)
    guard.wake()
    assert healthy.wait(5)
    guard.ensure()


def test_what_was_found_stays_found_and_nothing_is_appended_any_more(
    guarding: Callable[..., Guard],
) -> None:
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0))])
    folder = Folder(log, MemoryFoldStore(), ORIGIN)
    folder.fold_through(1)
    found = threading.Event()

    def check() -> None:
        try:
            look_over(folder)
        except LogNotOurs:
            found.set()
            raise

    guard = guarding(check, 0.01)
    committer = Committer(folder, lambda _: None, guard.ensure)
    kept = log.records.pop()
    assert found.wait(5)
    log.records.append(kept)
    for _ in range(3):
        answer = committer.submit(commit("d", ("a", 1)), name("d"), ())
        assert isinstance(answer.exception(5), LogNotOurs)
    with pytest.raises(LogNotOurs):
        committer.fate(name("d"))
    assert log.records == [GENESIS, kept]
    committer.close()


def test_a_rule_that_is_not_known_is_met_by_looking() -> None:
    log = SimulatedLog(records=[GENESIS, plain(Kind.RULE, "newer", b'{"rule":2}')])
    folder = Folder(log, MemoryFoldStore(), ORIGIN)
    folder.fold()
    with pytest.raises(UnknownRule):
        look_over(folder)


def test_a_start_that_may_not_wait_ends_where_the_log_is_away(
    guarding: Callable[..., Guard],
) -> None:
    def away() -> None:
        raise DatabaseUnavailable

    guard = guarding(away)
    with pytest.raises(DatabaseUnavailable):
        guard.look_first(may_wait=False)


def test_after_a_start_without_the_log_nothing_is_written_until_it_was_compared() -> None:
    answers = iter([DatabaseUnavailable(), DatabaseUnavailable(), None])
    compared = threading.Event()

    def check() -> None:
        answer = next(answers, None)
        if answer is not None:
            raise answer
        compared.set()

    guard = Guard(check, every_s=LONG_S)
    assert not guard.look_first(may_wait=True)
    with pytest.raises(NotComparedYet, match="nothing is lost"):
        guard.ensure()
    guard.start()
    assert compared.wait(10)
    guard.close()
    guard.ensure()
