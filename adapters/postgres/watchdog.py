"""Hangs up on a database that stands still, when whoever asked has no time left.

A server that was stopped, or whose machine is gone, leaves a query without an answer and without
an error. The driver waits for ever, so one thread looks after all queries that are due: it shuts
the socket, and the driver sees a connection that broke.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from application.waiting import left_s

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE_S: Final = 1.0
"""What a query has in any case, however little time is left: the last thing done may be to keep."""

_LOOK_S: Final = 0.25


@dataclass(slots=True, eq=False)
class _Use:
    """One use of a connection, when it is due, and whether it was hung up on."""

    connection: psycopg.Connection[Any]
    due: float
    ended: bool = False


class Watchdog:
    """One for all connections of a pool; its thread begins with the first query that is due."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._lock = threading.Lock()
        self._watched: set[_Use] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Hang up on this connection if it is still used when the time of whoever asked is over.

        It is closed then, however the use ended, so that nobody is lent it again.
        """
        left = left_s(math.inf)
        if left == math.inf:
            yield
            return
        use = _Use(connection, time.monotonic() + left + GRACE_S)
        with self._lock:
            self._watched.add(use)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="database", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watched.remove(use)
            if use.ended:
                connection.close()

    def close(self) -> None:
        """Let the thread end."""
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            with self._lock:
                now = time.monotonic()
                for use in self._watched:
                    if use.due < now and not use.ended:
                        use.ended = True
                        _hang_up(use.connection)


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    with (
        contextlib.suppress(OSError, psycopg.Error),  # it may have broken a moment ago
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
