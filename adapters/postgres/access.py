"""Credentials, sessions and counters in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from application.access.stores import Session, StaffRole

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from adapters.postgres.connections import Connections


class PostgresAccess:
    """The `AccessStore` port over PostgreSQL."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def _run(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._connections.use() as connection:
            cursor = connection.execute(query.encode(), parameters, binary=True, prepare=True)
            return cursor.fetchall() if cursor.description else []

    def credential(self, account: UUID) -> bytes | None:
        """Return an account's sealed credential, None where there is none."""
        rows = self._run("select sealed from credentials where account = %s", account)
        return rows[0][0] if rows else None

    def put_credential(self, account: UUID, sealed: bytes) -> None:
        """Keep an account's credential in place of the one before."""
        self._run(
            "insert into credentials values (%s, %s) on conflict (account)"
            " do update set sealed = excluded.sealed",
            account,
            sealed,
        )

    def begin_session(self, digest: bytes, session: Session) -> None:
        """Keep a session under the digest of its token."""
        self._run(
            "insert into sessions values (%s, %s, %s, %s, %s)",
            digest,
            session.account,
            session.role.value if session.role else None,
            session.began_at,
            session.seen_at,
        )

    def session(self, digest: bytes) -> Session | None:
        """Return the session of a token's digest."""
        rows = self._run(
            "select account, role, began_at, seen_at from sessions where digest = %s", digest
        )
        if not rows:
            return None
        account, role, began_at, seen_at = rows[0]
        return Session(
            account=account,
            role=StaffRole(role) if role else None,
            began_at=began_at,
            seen_at=seen_at,
        )

    def see_session(self, digest: bytes, at: datetime) -> None:
        """Note when a session was last used."""
        self._run("update sessions set seen_at = %s where digest = %s", at, digest)

    def end_session(self, digest: bytes) -> None:
        """Forget a session."""
        self._run("delete from sessions where digest = %s", digest)

    def end_sessions_of(self, account: UUID, *, keep: bytes | None = None) -> None:
        """Forget all sessions of an account, but one where it says so."""
        self._run(
            "delete from sessions where account = %s and digest <> coalesce(%s, ''::bytea)",
            account,
            keep,
        )

    def drop_sessions(self, before: datetime) -> int:
        """Forget the sessions that began before an instant, and what else is over."""
        gone = self._run("delete from sessions where began_at < %s returning 1", before)
        self._run("delete from counters where since < %s", before)
        self._run("delete from used where until < %s", before)
        return len(gone)

    def use_once(self, digest: bytes, until: datetime) -> bool:
        """Note that something was used; answer False where it was before."""
        return bool(
            self._run(
                "insert into used values (%s, %s) on conflict do nothing returning 1",
                digest,
                until,
            )
        )

    def count(self, bucket: bytes, window: datetime, most: int) -> int:
        """Count one more in a bucket's window, up to `most`; return how many that makes."""
        rows = self._run(
            "insert into counters values (%s, %s, 1) on conflict (bucket) do update set"
            " count = case when counters.since = excluded.since"
            "   then least(counters.count + 1, %s) else 1 end,"
            " since = excluded.since returning count",
            bucket,
            window,
            most,
        )
        return int(rows[0][0])
