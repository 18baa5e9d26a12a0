"""Connections that break: one caller learns of it, the next one gets a fresh connection."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest

from adapters.postgres.connections import POOL_MAX, Connections, DatabaseUnavailable

CUT = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


def test_when_the_server_was_restarted_one_call_fails_and_not_one_for_each_idle_connection(
    database: str,
) -> None:
    connections = Connections(database)
    with ExitStack() as borrowed:
        for _ in range(POOL_MAX):
            borrowed.enter_context(connections.use()).execute("select 1")
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(CUT)
    with pytest.raises(DatabaseUnavailable, match="nothing is lost"), connections.use() as broken:
        broken.execute("select 1")
    for _ in range(POOL_MAX):
        with connections.use() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    connections.close()


def test_where_nothing_answers_it_is_said_without_the_address(tmp_path: object) -> None:
    connections = Connections(f"host={tmp_path} user=secret dbname=secret")
    with pytest.raises(DatabaseUnavailable) as told, connections.use():
        pass
    assert "secret" not in str(told.value)
