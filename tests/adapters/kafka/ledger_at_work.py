"""A ledger at work on a topic: a writer and its guard, which looks each half second."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, KafkaUnavailable, Place
from adapters.kafka.topic import create_topic
from application.committer import Committer
from application.guard import Guard, look_over
from domain.errors import Corrupt
from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from ledger.rule import Fate
from tests.ledger.builders import GENESIS, ORIGIN, commit, name

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_S = 0.5
FOUND_S = 10.0


@dataclass(slots=True)
class AtWork:
    """One process of a ledger: `write` commits, `stopped` waits for the finding that ends that.

    While it is `blind` its guard gets no answer.
    """

    place: Place
    folder: Folder
    written: int = 0
    blind: bool = False
    guard: Guard = field(init=False)
    committer: Committer = field(init=False)

    def __post_init__(self) -> None:
        self.guard = Guard(self._look, every_s=LOOK_S)
        self.committer = Committer(self.folder, lambda _: None, self.guard.ensure)
        self.log.on_change(self.guard.wake)

    def _look(self) -> None:
        if self.blind:
            raise KafkaUnavailable
        look_over(self.folder)

    @property
    def log(self) -> KafkaLog:
        assert isinstance(self.folder.log, KafkaLog)
        return self.folder.log

    @property
    def store(self) -> MemoryFoldStore:
        assert isinstance(self.folder.store, MemoryFoldStore)
        return self.folder.store

    def write(self, count: int = 1) -> float:
        """Commit, and see that it was accepted; return how many seconds the slowest took."""
        slowest = 0.0
        for _ in range(count):
            began = time.monotonic()
            command = f"c{self.written}"
            record = commit(command, ("stream", self.written))
            settled = self.committer.submit(record, name(command), ()).result(FOUND_S)
            assert settled.fate is Fate.ACCEPTED
            self.written += 1
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def stopped(self) -> str:
        """Wait until the guard has found something; return what the writer is told from then on."""
        until = time.monotonic() + FOUND_S
        while time.monotonic() < until:
            try:
                self.guard.ensure()
            except Corrupt as error:
                self.hold_that_nothing_is_written(error)
                return str(error)
            time.sleep(LOOK_S / 10)
        message = "nothing was found"
        raise AssertionError(message)

    def hold_that_nothing_is_written(self, error: Corrupt) -> None:
        before, at = self.store.cursor(), self.log.end()
        answer = self.committer.submit(commit("late", ("stream", self.written)), name("late"), ())
        assert answer.exception(FOUND_S) is error
        assert self.log.end() == at
        assert self.store.cursor() == before


def make_topic(broker: str, topic: str) -> Place:
    place = Place(servers=tuple(broker.split(",")), topic=topic)
    create_topic(place, ALONE)
    return place


@contextlib.contextmanager
def at_work(place: Place, genesis: bytes = GENESIS) -> Iterator[AtWork]:
    """Begin a ledger in a new topic, with a few commits."""
    log = KafkaLog(place, ALONE)
    log.append([genesis])
    ledger = AtWork(place, Folder(log, MemoryFoldStore(), ORIGIN))
    ledger.guard.start()
    try:
        ledger.write(3)
        yield ledger
    finally:
        ledger.guard.close()
        ledger.committer.close()
        log.close()
