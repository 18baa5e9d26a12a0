"""Commits a second and the time of each: of blocked threads, or of one that keeps many going."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from eventsourcing.persistence import StoredEvent

from application.recorder import opaque_commit
from application.services import new_id
from ledger.record import assemble, encode_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.committer import Committer
    from application.submissions import Answer

STATE: Final = os.urandom(300)
"""The one event of each commit."""


def blocked(
    insert: Callable[[list[StoredEvent]], object], in_flight: int, seconds: float
) -> tuple[float, float, float]:
    """Return commits a second, and p50 and p99 in ms, of threads that insert and wait."""
    stop = time.perf_counter() + seconds
    taken: list[list[float]] = [[] for _ in range(in_flight)]

    def work(times: list[float]) -> None:
        while (begin := time.perf_counter()) < stop:
            insert([StoredEvent(new_id(), 1, "bench", STATE)])
            times.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=work, args=(times,)) for times in taken]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begin
    all_ms = sorted(1e3 * one for times in taken for one in times)
    return len(all_ms) / elapsed, statistics.median(all_ms), all_ms[int(len(all_ms) * 0.99)]


def submitted(committer: Committer, in_flight: int, seconds: float) -> tuple[float, float, float]:
    """Return the same of one thread that keeps `in_flight` commits on their way.

    As a server with an event loop would: the library's recorder has no such call, so
    it gets a thread for each.
    """
    stop = time.perf_counter() + seconds
    on_their_way: deque[tuple[float, Answer]] = deque()
    all_ms: list[float] = []

    def wait() -> None:
        begin, answer = on_their_way.popleft()
        answer.result()
        all_ms.append(1e3 * (time.perf_counter() - begin))

    started = time.perf_counter()
    while (begin := time.perf_counter()) < stop:
        header, frames = opaque_commit([StoredEvent(new_id(), 1, "bench", STATE)])
        record = assemble(encode_header(header), frames)
        answer = committer.submit(record, header.command, tuple(header.expects()))
        on_their_way.append((begin, answer))
        if len(on_their_way) >= in_flight:
            wait()
    while on_their_way:
        wait()
    elapsed = time.perf_counter() - started
    all_ms.sort()
    return len(all_ms) / elapsed, statistics.median(all_ms), all_ms[int(len(all_ms) * 0.99)]
