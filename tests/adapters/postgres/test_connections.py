"""Connections that break: one caller learns of it, the next one gets a fresh connection."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, suppress

import psycopg
import pytest

from adapters.postgres.connections import POOL_MAX, Connections, DatabaseUnavailable
from adapters.postgres.watchdog import GRACE_S
from application.waiting import due_within

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


def test_after_a_break_connections_are_kept_and_lent_again_as_before(database: str) -> None:
    connections = Connections(database)
    with connections.use(), psycopg.connect(database, autocommit=True) as admin:
        admin.execute(CUT)
    with pytest.raises(DatabaseUnavailable), connections.use() as broken:
        broken.execute("select 1")
    with connections.use() as first:
        pass
    with connections.use() as second:
        assert second is first
    connections.close()
    with connections.use() as last:
        assert last is not first
    assert last.closed


def test_a_server_that_stands_still_keeps_nobody_beyond_their_time(database: str) -> None:
    connections = Connections(database)
    with connections.use() as connection:
        frozen = connection.info.backend_pid
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with due_within(0.5), pytest.raises(DatabaseUnavailable), connections.use() as connection:
            connection.execute("select 1")
        assert 0.5 < time.monotonic() - began < 0.5 + GRACE_S + 1
        with due_within(0.5), connections.use() as connection:
            assert connection.info.backend_pid != frozen
    finally:
        os.kill(frozen, signal.SIGCONT)
        connections.close()


def test_one_that_was_hung_up_on_is_lent_to_nobody_and_the_watch_goes_on(database: str) -> None:
    connections = Connections(database)
    for _ in range(2):
        with due_within(0.1), connections.use() as connection:
            time.sleep(GRACE_S + 0.8)  # elsewhere: no query is there to notice it
        assert connection.closed
        with connections.use() as another:
            assert another.execute("select 1").fetchone() == (1,)
    with suppress(DatabaseUnavailable), due_within(0.1), connections.use() as connection:
        connection.close()
        time.sleep(GRACE_S + 0.8)
    with due_within(0.1), connections.use() as connection:
        time.sleep(GRACE_S + 0.8)
    assert connection.closed, "the watch outlives a connection that had broken by itself"
    connections.close()


def test_a_query_that_ends_in_time_is_left_alone(database: str) -> None:
    connections = Connections(database)
    with due_within(0.2), connections.use() as connection:
        connection.execute("select pg_sleep(0.4)")  # the grace is for what has no time left
    time.sleep(GRACE_S + 0.5)
    with connections.use() as again:
        assert again is connection
        assert again.execute("select 1").fetchone() == (1,)
    connections.close()


def test_where_nothing_answers_it_is_said_without_the_address(tmp_path: object) -> None:
    connections = Connections(f"host={tmp_path} user=secret dbname=secret")
    with pytest.raises(DatabaseUnavailable) as told, connections.use():
        pass
    assert "secret" not in str(told.value)


def test_a_start_is_not_held_up_by_whoever_is_writing(database: str) -> None:
    connections = Connections(f"{database} options='-c lock_timeout=2s'")
    connections.create_tables()
    with psycopg.connect(database) as writer:
        writer.execute("select log_append(array['\\x00'::bytea])")
        writer.execute("insert into fates values (gen_random_uuid(), true)")
        connections.create_tables()
    connections.close()


def test_tables_of_another_version_are_brought_up_to_this_one(database: str) -> None:
    connections = Connections(database)
    connections.create_tables()
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("comment on table log is 'another version'")
        admin.execute("drop trigger append_only on log")
        connections.create_tables()
        trigger = admin.execute(
            "select 1 from pg_trigger where tgrelid = 'log'::regclass and tgname = 'append_only'"
        ).fetchone()
    assert trigger == (1,)
    connections.close()


def test_whoever_stands_still_in_a_transaction_holds_up_nobody_for_long(database: str) -> None:
    """A process that was stopped, or whose machine was: what it had locked is let go."""
    asleep, others = Connections(database), Connections(database)
    with others.use() as connection:
        connection.execute("create table rows as select 1 as row")
    with pytest.raises(DatabaseUnavailable):
        _write_while(asleep, others)
    with others.use() as connection:
        assert connection.execute("select row from rows").fetchone() == (3,)
    for one in (asleep, others):
        one.close()


def _write_while(asleep: Connections, others: Connections) -> None:
    with asleep.use() as connection, connection.transaction():
        connection.execute("update rows set row = 2")
        with others.use() as other:
            other.execute("set lock_timeout = '9s'")
            other.execute("update rows set row = 3")
        connection.execute("update rows set row = 4")


def test_whoever_has_no_time_left_does_not_wait_for_one_that_others_hold(database: str) -> None:
    connections = Connections(database)
    with ExitStack() as held:
        for _ in range(POOL_MAX):
            held.enter_context(connections.use())
        with due_within(0.2), pytest.raises(DatabaseUnavailable), connections.use():
            pass
    with due_within(20), connections.use() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    connections.close()
