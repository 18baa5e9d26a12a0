"""How far reactions have come, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.postgres.connections import Connections


class PostgresCursors:
    """The `Cursors` port over PostgreSQL."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def position(self, name: str) -> int:
        """Return the next position that a reaction looks at, from 1."""
        with self._connections.use() as connection:
            row = connection.execute(
                "select next from reactions where name = %s", (name,)
            ).fetchone()
        return int(row[0]) if row else 1

    def advance(self, name: str, position: int) -> None:
        """Move a reaction's cursor forward, never back."""
        with self._connections.use() as connection:
            connection.execute(
                "insert into reactions values (%s, %s) on conflict (name) do update"
                " set next = greatest(reactions.next, excluded.next)",
                (name, position),
            )
