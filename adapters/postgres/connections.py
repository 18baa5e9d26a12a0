"""Connections to the ledger's database: a small pool, and outages told apart from faults."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import psycopg

from adapters.postgres.watchdog import Watchdog
from application.waiting import left_s
from domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_MAX: Final = 8
STILL_S: Final = 5
"""So long the server waits for a process that stands still in a transaction, and holds locks."""

SCHEMAS: Final = ("schema.sql", "access.sql", "arrivals.sql")
"""What makes the tables, in order; each statement may be made again."""

Connection = psycopg.Connection[tuple[Any, ...]]

_GIVE_UP: Final = f"set idle_in_transaction_session_timeout = '{STILL_S}s'"
_BROKEN: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer, or the connection broke."""

    def __init__(self) -> None:
        """Take nothing: the driver's own message may quote values."""
        super().__init__(
            "the database does not answer; nothing is lost: start it, where it is not the embedded "
            "one, and give the same command again"
        )


class Connections:
    """A pool of at most `POOL_MAX` connections, in autocommit, made when first needed.

    A connection that broke is dropped, not mended, and the idle ones with it, which a
    server's restart broke too: the next caller gets a fresh one.
    """

    def __init__(self, conninfo: str) -> None:
        """Take a libpq connection string."""
        self._conninfo = conninfo
        self._idle: list[Connection] = []
        self._closed = False
        self._lock = threading.Lock()
        self._watchdog = Watchdog()
        self._slots = threading.BoundedSemaphore(POOL_MAX)

    @contextlib.contextmanager
    def use(self) -> Iterator[Connection]:
        """Lend a connection; raise `DatabaseUnavailable` when it breaks or none can be had.

        Nor is one that others hold waited for longer than whoever asked has time, nor an answer.
        """
        if not self._slots.acquire(timeout=left_s(threading.TIMEOUT_MAX)):
            raise DatabaseUnavailable
        try:
            connection = self._take()
            try:
                with self._watchdog.over(connection):
                    yield connection
            except _BROKEN as error:
                connection.close()
                self._drop_idle()
                raise DatabaseUnavailable from error
            finally:
                self._give(connection)
        finally:
            self._slots.release()

    def _take(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            made = psycopg.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=5,
                tcp_user_timeout=7_000,  # a machine that does not answer is missed after 7 s
                keepalives_idle=3,
                keepalives_interval=1,
                keepalives_count=4,
            )
            made.execute(_GIVE_UP.encode())
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable from error
        return made

    def _give(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed and not connection.closed:
                self._idle.append(connection)
                return
        connection.close()

    def create_tables(self) -> None:
        """Create or upgrade the ledger's tables, unless they are those of this program.

        What was created says so by its digest: a start beside running processes must
        not take the locks of statements that change nothing.
        """
        place = resources.files(__package__)
        statements = "".join(place.joinpath(name).read_text("utf-8") for name in SCHEMAS)
        digest = hashlib.sha256(statements.encode()).hexdigest()
        with self.use() as connection:
            if _created(connection) == digest:
                return
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(7236103273)")
                if _created(connection) != digest:
                    connection.execute(statements)
                    connection.execute(f"comment on table log is '{digest}'")

    def close(self) -> None:
        """Close the idle connections now, and each that is lent when it comes back."""
        with self._lock:
            self._closed = True
        self._watchdog.close()
        self._drop_idle()

    def _drop_idle(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()


def _created(connection: Connection) -> str | None:
    """Return the digest of the statements that created the tables, None where there are none."""
    row = connection.execute("select obj_description(to_regclass('log'), 'pg_class')").fetchone()
    return row[0] if row else None
