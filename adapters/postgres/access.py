"""Credentials, sessions and counters in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from application.access.roles import StaffRole
from application.access.stores import Session

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

    def credential(self, owner: UUID) -> bytes | None:
        """Return the sealed credential of an account or a member, None where there is none."""
        rows = self._run("select sealed from credentials where owner = %s", owner)
        return rows[0][0] if rows else None

    def put_credential(self, owner: UUID, sealed: bytes) -> None:
        """Keep a credential in place of the one before."""
        self._run(
            "insert into credentials values (%s, %s) on conflict (owner)"
            " do update set sealed = excluded.sealed",
            owner,
            sealed,
        )

    def begin_session(self, digest: bytes, session: Session) -> None:
        """Keep a session under the digest of its token."""
        self._run(
            "insert into sessions values (%s, %s, %s, %s, %s)",
            digest,
            session.account,
            session.member,
            session.began_at,
            session.seen_at,
        )

    def session(self, digest: bytes) -> Session | None:
        """Return the session of a token's digest."""
        rows = self._run(
            "select account, member, role, began_at, seen_at from sessions"
            " left join staff on staff.id = member and revoked_at is null where digest = %s",
            digest,
        )
        if not rows:
            return None
        account, member, role, began_at, seen_at = rows[0]
        return Session(
            account=account,
            member=member,
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
        return len(gone)

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
