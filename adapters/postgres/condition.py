"""What the database says of itself, for `metroledger doctor`."""

from __future__ import annotations

from typing import Final

from adapters.postgres.connections import Connection, Connections
from application.doctor.database import Condition

GUARDED: Final = ("log", "commits", "segments", "leaves", "readings", "fates")
"""The tables that only grow; `schema.sql` gives each two triggers, a test compares."""

_SETTINGS: Final = ("fsync", "synchronous_commit", "full_page_writes")

# A trigger counts where it is enabled, on both ways of changing a table, and calls the function
# that refuses. Types are those of pg_trigger.tgtype: before (2), delete (8), update (16),
# truncate (32).
_GUARDS: Final = """
    select relation.relname, bit_or(tg.tgtype::int) & (8 + 16 + 32)
    from pg_trigger tg
    join pg_class relation on relation.oid = tg.tgrelid
    join pg_proc function on function.oid = tg.tgfoid
    where relation.oid = any(
        array(select to_regclass(name) from unnest(%s::text[]) as name)::oid[])
      and tg.tgenabled in ('O', 'A') and tg.tgtype::int & 2 = 2
      and function.proname = 'refuse_change' and function.prosrc like '%%raise exception%%'
    group by relation.relname
"""
_ALL_WAYS: Final = 8 + 16 + 32

_PRESENT: Final = """
    select clock_timestamp(), count(*),
           coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and backend_type = 'client backend'
"""


def condition(connections: Connections) -> Condition:
    """Ask a database how it stands. Raises `Unavailable`."""
    with connections.use() as connection:
        guarded = dict(connection.execute(_GUARDS, (list(GUARDED),)).fetchall())
        ((now, sessions, open_s),) = connection.execute(_PRESENT).fetchall()
        return Condition(
            version=connection.info.server_version // 10_000,
            unsafe=tuple(name for name in _SETTINGS if _is_off(connection, name)),
            unguarded=tuple(name for name in GUARDED if guarded.get(name) != _ALL_WAYS),
            now=now,
            sessions=sessions,
            open_s=open_s,
        )


def _is_off(connection: Connection, name: str) -> bool:
    return connection.execute("select current_setting(%s)", (name,)).fetchone() == ("off",)
