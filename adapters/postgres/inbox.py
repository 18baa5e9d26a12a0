"""Acts that wait for the log, in PostgreSQL: the `Inbox` port."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from application.acts import Fortune, Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from adapters.postgres.connections import Connections


class PostgresInbox:
    """The `Inbox` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections."""
        self._connections = connections

    def keep(self, act: Kept) -> datetime:
        """Keep an act, unless its command is known; return when it was done first."""
        with self._connections.use() as connection:
            connection.execute(
                "insert into inbox (command, about, at, key, sealed) values (%s, %s, %s, %s, %s)"
                " on conflict (command) do nothing",
                (act.command, act.about, act.at, act.key, act.sealed),
            )
            known = connection.execute(
                "select at from inbox where command = %s", (act.command,)
            ).fetchone()
        return known[0].astimezone(UTC) if known else act.at

    def drop(self, before: datetime) -> int:
        """Forget acts that were done before an instant and do not wait; return how many."""
        with self._connections.use() as connection:
            return connection.execute(
                "delete from inbox where fortune <> 'waiting' and at < %s", (before,)
            ).rowcount

    def oldest(self, limit: int, *, after: int = 0) -> Sequence[Kept]:
        """Return acts that wait behind a place, the oldest first."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select command, about, at, key, sealed, place from inbox"
                " where fortune = 'waiting' and place > %s order by place limit %s",
                (after, limit),
                prepare=True,
            ).fetchall()
        return [
            Kept(command=command, about=about, at=at, key=key, sealed=bytes(sealed), place=place)
            for command, about, at, key, sealed, place in rows
        ]

    def waits(self, about: UUID) -> bool:
        """Whether an act about a consent, a meter or an account waits to be carried."""
        with self._connections.use() as connection:
            row = connection.execute(
                "select exists (select from inbox where about = %s and fortune = 'waiting')",
                (about,),
            ).fetchone()
        return row == (True,)

    def settle(self, command: UUID, fortune: Fortune) -> None:
        """Write down what became of an act."""
        with self._connections.use() as connection:
            connection.execute(
                "update inbox set fortune = %s where command = %s", (fortune.value, command)
            )

    def fortune(self, command: UUID) -> Fortune | None:
        """Return what became of an act, None where nothing is known of it."""
        with self._connections.use() as connection:
            row = connection.execute(
                "select fortune from inbox where command = %s", (command,)
            ).fetchone()
        return None if row is None else Fortune(row[0])
