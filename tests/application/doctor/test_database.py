"""What the doctor finds in a database: a real one, with a real thing wrong."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from adapters.postgres.condition import GUARDED, condition
from adapters.postgres.connections import Connections, DatabaseUnavailable
from application.doctor import database
from application.doctor.finding import State, examine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.postgres.embedded import EmbeddedPostgres
    from tests.application.world import Place

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


@contextlib.contextmanager
def asking(conninfo: str | None) -> Iterator[Connections]:
    connections = Connections(conninfo or "")
    try:
        yield connections
    finally:
        connections.close()


def test_a_ledgers_database_is_in_order(place: Place) -> None:
    with asking(place.database) as connections:
        found = condition(connections)
    assert database.durability(found).state is State.OK
    assert database.append_only(found).state is State.OK
    assert database.sessions(found).state is State.OK


def test_a_server_that_does_not_sync_is_broken(postgres: EmbeddedPostgres) -> None:
    with asking(postgres.conninfo) as connections:
        finding = database.durability(condition(connections))
    assert finding.state is State.BROKEN
    assert "fsync" in finding.says


def test_an_old_server_is_broken(place: Place) -> None:
    with asking(place.database) as connections:
        found = condition(connections)
    old = database.Condition(
        version=12, unsafe=(), unguarded=(), now=found.now, sessions=0, open_s=0.0
    )
    assert database.durability(old).state is State.BROKEN


@pytest.mark.parametrize(
    "statement",
    [
        "drop trigger append_only on {}",
        "drop trigger append_only_whole on {}",
        "alter table {} disable trigger append_only",
    ],
)
@pytest.mark.parametrize("table", ["log", "leaves"])
def test_a_table_that_may_be_changed_is_broken(place: Place, table: str, statement: str) -> None:
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute(statement.format(table))
    with asking(place.database) as connections:
        finding = database.append_only(condition(connections))
    assert finding.state is State.BROKEN
    assert table in finding.says


def test_guards_that_guard_nothing_are_broken(place: Place) -> None:
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute(
            "create or replace function refuse_change() returns trigger language plpgsql"
            " as 'begin return null; end'"
        )
    with asking(place.database) as connections:
        assert condition(connections).unguarded == GUARDED


def test_every_table_that_has_the_guard_is_looked_at(place: Place) -> None:
    with psycopg.connect(place.database or "") as admin:
        rows = admin.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only'"
        ).fetchall()
    assert sorted(row[0] for row in rows) == sorted(GUARDED)


def test_a_transaction_that_is_left_open_is_found(place: Place) -> None:
    with psycopg.connect(place.database or "") as idler, asking(place.database) as connections:
        idler.execute("select 1")
        found = condition(connections)
    assert found.sessions == 1
    assert 0 < found.open_s < 60


def test_a_transaction_that_is_open_for_long_is_to_be_watched() -> None:
    found = database.Condition(
        version=18, unsafe=(), unguarded=(), now=NOW, sessions=3, open_s=1_200.0
    )
    assert "20 minutes" in database.sessions(found).says


@pytest.mark.parametrize(
    ("apart_s", "state"), [(0, State.OK), (-10, State.WARN), (3_600, State.BROKEN)]
)
def test_clocks_that_differ_are_found(place: Place, apart_s: int, state: State) -> None:
    with asking(place.database) as connections:
        before = datetime.now(UTC) + timedelta(seconds=apart_s)
        found = condition(connections)
        after = datetime.now(UTC) + timedelta(seconds=apart_s)
    assert database.clock(found, before, after, after).state is state


def test_a_disk_whose_clock_is_another_is_found() -> None:
    found = database.Condition(version=18, unsafe=(), unguarded=(), now=NOW, sessions=0, open_s=0)
    assert database.clock(found, NOW, NOW, NOW - timedelta(minutes=5)).state is State.BROKEN


def test_a_database_that_does_not_answer_is_broken(tmp_path: Path) -> None:
    with asking(f"host={tmp_path} connect_timeout=1") as connections:
        with pytest.raises(DatabaseUnavailable):
            condition(connections)
        finding = examine("database", lambda: database.durability(condition(connections)))
    assert finding.state is State.BROKEN
