"""Requests of the API in PostgreSQL: the `Askings` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.asking import KEPT, Answer, Asked

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from adapters.postgres.connections import Connection, Connections

_FORGOTTEN_AT_ONCE: Final = 20
_COLUMNS: Final = "select command, owner, kind, digest, about, status, body from asked"


class PostgresAskings:
    """The `Askings` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections."""
        self._connections = connections

    def note(self, asked: Asked, at: datetime) -> Asked:
        """Keep a request unless its command is known; return what is kept of it."""
        with self._connections.use() as connection, connection.transaction():
            connection.execute(
                "delete from asked where command in (select command from asked where at < %s"
                " order by at limit %s for update skip locked)",
                (at - KEPT, _FORGOTTEN_AT_ONCE),
            )
            connection.execute(
                "insert into asked (command, owner, kind, digest, about, at)"
                " values (%s, %s, %s, %s, %s, %s) on conflict (command) do nothing",
                (asked.command, asked.owner, asked.kind, asked.digest, asked.about, at),
            )
            return self._find(connection, asked.command) or asked

    def answer(self, command: UUID, answer: Answer) -> Answer:
        """Keep the answer, unless there is one; return the one that is kept."""
        with self._connections.use() as connection:
            connection.execute(
                "update asked set status = %s, body = %s where command = %s and status is null",
                (answer.status, answer.body, command),
            )
            kept = self._find(connection, command)
        return (kept.answer if kept else None) or answer

    def forget(self, command: UUID) -> None:
        """Forget a request that was not answered."""
        with self._connections.use() as connection:
            connection.execute(
                "delete from asked where command = %s and status is null", (command,)
            )

    def drop(self, before: datetime) -> int:
        """Forget the requests that were made before an instant; return how many."""
        with self._connections.use() as connection:
            return connection.execute("delete from asked where at < %s", (before,)).rowcount

    def find(self, command: UUID) -> Asked | None:
        """Return what is kept of a request, None when nothing is."""
        with self._connections.use() as connection:
            return self._find(connection, command)

    def _find(self, connection: Connection, command: UUID) -> Asked | None:
        row = connection.execute(_COLUMNS + " where command = %s", (command,)).fetchone()
        if row is None:
            return None
        *_, status, body = row
        return Asked(
            command=row[0],
            owner=row[1],
            kind=row[2],
            digest=bytes(row[3]),
            about=row[4],
            answer=None if status is None else Answer(status=status, body=bytes(body)),
        )
