"""A portal that is asked for one person's data without a pause, while that person is erased.

Every request has a connection of its own, so that any of the portal's processes may answer.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

PAGES: Final = ("/api/v1/account", "/api/v1/export", "/api/v1/export?format=csv", "/")
_PAUSE_S: Final = 0.005
_LOOK_S: Final = 0.001
_PATIENCE_S: Final = 60


@dataclass(slots=True, kw_only=True)
class Watch:
    """What was seen: when the keys were destroyed, and the last answer that held a fact.

    `asked_at` is when what still held one was asked for last, `answered_at` when it had come.
    Instants are of the machine's monotonic clock, in seconds.
    """

    port: int
    cookie: str
    facts: Collection[str]
    destroyed_at: float | None = None
    asked_at: dict[str, float] = field(default_factory=dict)
    answered_at: dict[str, float] = field(default_factory=dict)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def readable_s(self) -> float:
        """For how long after the destruction a request that was made then was still answered."""
        return self._after(self.asked_at)

    @property
    def answered_s(self) -> float:
        """For how long after it the last answer to what was asked before was still coming."""
        return self._after(self.answered_at)

    def _after(self, instants: dict[str, float]) -> float:
        if self.destroyed_at is None:
            return float("inf")
        return max(0.0, max(instants.values()) - self.destroyed_at)


@contextlib.contextmanager
def watched(watch: Watch, journal: Path) -> Iterator[None]:
    """Ask for everything of one person, again and again, until the block ends.

    The destruction is seen by the journal of destroyed keys, which grows first.
    """
    over = threading.Event()
    threads = [threading.Thread(target=_ask, args=(watch, over, page)) for page in PAGES]
    threads.append(threading.Thread(target=_see_destruction, args=(watch, over, journal)))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def get(port: int, page: str, cookie: str = "") -> tuple[int, str]:
    """Ask this machine for a page; return its status and its text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", page, headers={"Cookie": f"session={cookie}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _ask(watch: Watch, over: threading.Event, page: str) -> None:
    while not over.wait(_PAUSE_S):
        asked = time.monotonic()
        status, text = get(watch.port, page, watch.cookie)
        watch.answers[page, status] += 1
        if any(fact in text for fact in watch.facts):
            watch.asked_at[page], watch.answered_at[page] = asked, time.monotonic()


def _see_destruction(watch: Watch, over: threading.Event, journal: Path) -> None:
    before = journal.stat().st_size
    while not over.wait(_LOOK_S):
        if journal.stat().st_size > before:
            watch.destroyed_at = time.monotonic()
            return
