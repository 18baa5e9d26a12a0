"""Requests under idempotency keys: the first note and the first answer stand, for days."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.postgres.asking import PostgresAskings
from adapters.postgres.connections import Connections
from application.asking import KEPT, Answer, Asked, drop_over
from application.services import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DONE = Answer(status=201, body=b'{"id":"1"}')


@pytest.fixture
def askings(database: str) -> Iterator[PostgresAskings]:
    connections = Connections(database)
    connections.create_tables()
    yield PostgresAskings(connections)
    connections.close()


def asked() -> Asked:
    return Asked(command=new_id(), owner=new_id(), kind="consent", digest=bytes(16), about=new_id())


def test_the_first_note_of_a_command_stands(askings: PostgresAskings) -> None:
    first = asked()
    assert askings.note(first, NOW) == first
    other = replace(first, digest=b"\1" * 16, kind="meter", about=None)
    assert askings.note(other, NOW) == first
    assert askings.find(first.command) == first
    assert askings.find(new_id()) is None


def test_the_first_answer_stands(askings: PostgresAskings) -> None:
    first = asked()
    askings.note(first, NOW)
    assert askings.answer(first.command, DONE) == DONE
    assert askings.answer(first.command, Answer(status=409, body=b"{}")) == DONE
    assert askings.note(first, NOW) == replace(first, answer=DONE)


def test_many_who_note_and_answer_at_once_get_one_answer(askings: PostgresAskings) -> None:
    first = asked()

    def ask(number: int) -> Answer:
        askings.note(first, NOW)
        return askings.answer(first.command, Answer(status=200 + number, body=b"{}"))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(40)))) == 1


def test_what_is_older_than_a_week_is_forgotten(askings: PostgresAskings) -> None:
    old = [asked() for _ in range(3)]
    for one in old:
        askings.note(one, NOW)
    askings.note(young := asked(), NOW + KEPT + timedelta(seconds=1))
    assert [askings.find(one.command) for one in old] == [None] * 3
    assert askings.find(young.command) == young


def test_upkeep_forgets_what_is_older_though_nobody_asks_again(askings: PostgresAskings) -> None:
    askings.note(old := asked(), NOW)
    askings.note(young := asked(), NOW + timedelta(days=1))
    assert drop_over(askings, NOW + KEPT + timedelta(seconds=1)) == 1
    assert askings.find(old.command) is None
    assert askings.find(young.command) == young
