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
from typing import TYPE_CHECKING, Any, Final

from application.waiting import left_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

GRACE_S: Final = 1.0
"""What a query has in any case, however little time is left: the last thing done may be to keep."""

_LOOK_S: Final = 0.25


class Watchdog:
    """One for all connections of a pool; its thread begins with the first query that is due."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._lock = threading.Lock()
        self._watched: dict[object, tuple[float, psycopg.Connection[Any]]] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """Hang up on this connection if it is still used when the time of whoever asked is over."""
        left = left_s(math.inf)
        if left == math.inf:
            yield
            return
        use = object()
        with self._lock:
            self._watched[use] = time.monotonic() + left + GRACE_S, connection
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="database", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._watched[use]

    def close(self) -> None:
        """Let the thread end."""
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            with self._lock:
                now = time.monotonic()
                for due, connection in self._watched.values():
                    if due < now:
                        _hang_up(connection)


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
