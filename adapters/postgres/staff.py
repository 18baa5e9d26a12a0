"""The members of the staff in PostgreSQL: the `StaffStore` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.access.roles import StaffRole
from application.access.stores import Enrolled, StoredMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from adapters.postgres.connections import Connection, Connections

_COLUMNS: Final = "select id, role, profile, since, invitation, factor, revoked_at from staff"


class PostgresStaff:
    """The `StaffStore` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def _run(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._connections.use() as connection:
            cursor = connection.execute(query.encode(), parameters, binary=True)
            return cursor.fetchall() if cursor.description else []

    def add(self, member: StoredMember) -> None:
        """Keep a new member."""
        self._run(
            "insert into staff (id, role, profile, since) values (%s, %s, %s, %s)",
            member.id,
            member.role.value,
            member.profile,
            member.since,
        )

    def drop(self, member: UUID) -> None:
        """Forget a member that nobody was told of."""
        self._run("delete from staff where id = %s", member)

    def member(self, member: UUID) -> StoredMember | None:
        """Return a member, revoked or not; None where there is none."""
        rows = self._run(f"{_COLUMNS} where id = %s", member)
        return _member(rows[0]) if rows else None

    def members(self) -> Sequence[StoredMember]:
        """Return all members, revoked ones too, in the order in which they were added."""
        return [_member(row) for row in self._run(f"{_COLUMNS} order by number")]

    def invite(self, member: UUID, invitation: bytes) -> None:
        """Make a link the one that enrols a member; what they signed in with is gone."""
        with self._connections.use() as connection, connection.transaction():
            connection.execute(
                "update staff set invitation = %s, factor = null"
                " where id = %s and revoked_at is null",
                (invitation, member),
            )
            _shut_out(connection, member)

    def enrol(self, member: UUID, invitation: bytes, enrolled: Enrolled) -> bool:
        """Use a link up and keep what it leaves; answer False unless it was the living one."""
        with self._connections.use() as connection, connection.transaction():
            used = connection.execute(
                "update staff set invitation = null, factor = %s, step = %s"
                " where id = %s and invitation = %s and revoked_at is null",
                (enrolled.factor, enrolled.step, member, invitation),
            )
            if used.rowcount == 0:
                return False
            connection.execute(
                "insert into credentials values (%s, %s) on conflict (owner)"
                " do update set sealed = excluded.sealed",
                (member, enrolled.credential),
            )
            connection.execute(
                "insert into recovery_codes select %s, * from unnest(%s::bytea[])",
                (member, list(enrolled.recovery)),
            )
        return True

    def use_step(self, member: UUID, factor: bytes, step: int) -> bool:
        """Note that a step's code of a factor was used.

        Answer False unless it is the member's factor still, and the step later than all before.
        """
        return bool(
            self._run(
                "update staff set step = %s where id = %s and factor = %s and step < %s"
                " returning 1",
                step,
                member,
                factor,
                step,
            )
        )

    def use_recovery(self, member: UUID, digest: bytes) -> bool:
        """Use a recovery code up; answer False where there is none such."""
        return bool(
            self._run(
                "delete from recovery_codes where member = %s and digest = %s returning 1",
                member,
                digest,
            )
        )

    def revoke(self, member: UUID, at: datetime) -> None:
        """Keep that a member is one no more; of what they were and signed in with, nothing."""
        with self._connections.use() as connection, connection.transaction():
            connection.execute(
                "update staff set revoked_at = coalesce(revoked_at, %s), profile = '',"
                " invitation = null, factor = null where id = %s",
                (at, member),
            )
            _shut_out(connection, member)


def _shut_out(connection: Connection, member: UUID) -> None:
    """Forget a member's password, recovery codes and sessions."""
    connection.execute("delete from credentials where owner = %s", (member,))
    connection.execute("delete from recovery_codes where member = %s", (member,))
    connection.execute("delete from sessions where member = %s", (member,))


def _member(row: tuple[Any, ...]) -> StoredMember:
    member, role, profile, since, invitation, factor, revoked_at = row
    return StoredMember(
        id=member,
        role=StaffRole(role),
        profile=profile,
        since=since,
        invitation=invitation,
        factor=factor,
        revoked_at=revoked_at,
    )
