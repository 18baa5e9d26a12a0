"""Copies of the public register's frames, in PostgreSQL: the `Copies` port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.postgres.connections import Connections


class PostgresCopies:
    """The `Copies` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections."""
        self._connections = connections

    def find(self, leaf: int) -> tuple[bytes, bytes] | None:
        """Return the digest of the commit's header and the frame, None where there is no copy."""
        with self._connections.use() as connection:
            row = connection.execute(
                "select header, frame from registered where leaf = %s", (leaf,)
            ).fetchone()
        return (row[0], row[1]) if row else None

    def keep(self, leaf: int, header: bytes, frame: bytes) -> None:
        """Keep a copy in place of any other."""
        with self._connections.use() as connection:
            connection.execute(
                "insert into registered values (%s, %s, %s) on conflict (leaf)"
                " do update set header = excluded.header, frame = excluded.frame",
                (leaf, header, frame),
            )
