"""The log as one PostgreSQL table: the embedded default.

Durable when the transaction committed (`synchronous_commit=on`, fsync on). Offsets
have no gaps: appends are serialised by a lock that is held until the commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.postgres.connections import Connections, DatabaseUnavailable
from ledger.log import Description, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence


class PostgresLog:
    """The `CommitLog` port over a table of records."""

    def __init__(self, connections: Connections, *, durable: bool = True) -> None:
        """Take the connections to a database that has the ledger's tables.

        `durable` False accepts a server that does not sync, as tests use.
        """
        self._connections = connections
        self._durable = durable

    def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
        """Append records in one transaction; all are in doubt when the connection breaks."""
        if not records:
            return []
        try:
            with self._connections.use() as connection:
                row = connection.execute(
                    "select log_append(%b::bytea[])", (list(records),), prepare=True
                ).fetchone()
        except DatabaseUnavailable:
            return [None] * len(records)
        first = row[0] if row else 0
        return range(first, first + len(records))

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> Sequence[Entry]:
        """Return entries from `start`, as many as the limits allow, at least one."""
        with self._connections.use() as connection:
            rows = connection.execute(
                """
                select "offset", record from (
                    select "offset", record,
                           sum(octet_length(record)) over (order by "offset") as size,
                           row_number() over (order by "offset") as place
                    from (select "offset", record from log where "offset" >= %s
                          order by "offset" limit %s) as next
                ) as sized where size <= %s or place = 1 order by "offset"
                """,
                (start, limit, bytes_max),
                binary=True,
                prepare=True,
            ).fetchall()
        return [Entry(*row) for row in rows]

    def end(self) -> int:
        """Return the offset after the last record."""
        with self._connections.use() as connection:
            row = connection.execute('select coalesce(max("offset") + 1, 0) from log').fetchone()
        return int(row[0]) if row else 0

    def begin(self) -> int:
        """Return the first offset that is held."""
        with self._connections.use() as connection:
            row = connection.execute('select coalesce(min("offset"), 0) from log').fetchone()
        return int(row[0]) if row else 0

    def describe(self) -> Description:
        """Return the table's identity, and a fault where commits are not durable."""
        with self._connections.use() as connection:
            row = connection.execute(
                "select identity, current_setting('fsync'), current_setting('synchronous_commit')"
                " from log_identity"
            ).fetchone()
        identity, fsync, synchronous = row or (None, "off", "off")
        kept = fsync == "on" and synchronous != "off"
        faults = (
            ()
            if kept or not self._durable
            else ("PostgreSQL is set to lose commits (fsync is off)",)
        )
        return Description(name="postgresql", identity=str(identity), faults=faults)
