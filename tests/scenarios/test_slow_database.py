"""PostgreSQL is slow while a real Kafka is not: writers wait, and nothing piles up."""

from __future__ import annotations

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from adapters.dso.enedis.series import town
from adapters.http.app import create_app, guarded
from adapters.http.serving import served
from adapters.http.visitors import HEADER
from adapters.kafka.place import ALONE
from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.topic import create_topic
from application import driving
from application.access import sessions
from application.committer import BATCH_BYTES_MAX
from application.services import new_id
from domain.errors import Unavailable
from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from metroledger.kept import Topic
from metroledger.portal import site_of
from tests.application.world import SEED, Household, Place, found, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Site

PATIENCE_S = 1.0
SLOW_S = 6.0
WRITERS = 60
EVENT = bytes(400_000)
PAGES_MB = 4 / 1024
GROWTH_MB_MAX = 40
"""Of what the writers send again in that time, as much again would stay behind."""


@pytest.fixture
def on_kafka(site: Site, broker: str, topic: str) -> Iterator[Place]:
    servers = tuple(broker.split(","))
    create_topic(TopicPlace(servers=servers, topic=topic), ALONE)
    place = replace(site.new(), topic=Topic(servers=servers, name=topic, replicas=1))
    found(place)
    yield place
    site.drop(place)


def own_mb() -> float:
    """What this process holds of memory that is no file's, and does not wait to be collected."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file of a disk
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * PAGES_MB


def insist(ledger: Installation, until: float) -> tuple[list[UUID], list[UUID]]:
    """Write large commits until a time, whatever is answered; return those done and those open."""
    done, still_open = [], []
    while time.monotonic() < until:
        stream = new_id()
        try:
            ledger.ledger.recorder.insert_events([StoredEvent(stream, 1, "large", EVENT)])
            done.append(stream)
        except Unavailable:
            still_open.append(stream)
    return done, still_open


def refuse(ledger: Installation, home: Household, port: int) -> httpx.Response:
    """Ask for something that is to be decided, as a resident's browser does."""
    token = sessions.begin(ledger.services, ledger.access, account=home.account)
    headers = {HEADER: sessions.form_token(token), "Idempotency-Key": str(new_id())}
    cookies = {site_of(ledger).session_cookie: token}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookies, timeout=30) as client:
        told = {"meter": str(home.meter), "category": "maximum_power", "wording_version": "1"}
        return client.post("/api/v1/refusals", headers=headers, json=told)


def test_while_the_database_is_slow_memory_and_log_stay_bounded_and_writers_are_told(
    on_kafka: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert on_kafka.database is not None
    with on_kafka.open() as ledger, psycopg.connect(on_kafka.database) as slow:
        home = settle(ledger, town(SEED, 1)[0].number)
        assert insist(ledger, time.monotonic() + 0.5)[0]
        end = ledger.log.end()
        monkeypatch.setattr(driving, "PATIENCE_S", PATIENCE_S)

        slow.execute("lock table cursor in exclusive mode")  # who folds waits; who reads does not
        until = time.monotonic() + SLOW_S
        portal = site_of(ledger)
        with (
            served(guarded(portal, create_app(portal)), ("127.0.0.1", 0)) as port,
            ThreadPoolExecutor(WRITERS) as pool,
        ):
            writers = [pool.submit(insist, ledger, until) for _ in range(WRITERS)]
            time.sleep(SLOW_S / 2)
            memory = own_mb()  # by now all wait: what comes is only what was given up
            asked = time.monotonic()
            answer = refuse(ledger, home, port)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert time.monotonic() - asked < 5 * PATIENCE_S
            time.sleep(max(until - time.monotonic() - 0.2, 0))
            assert own_mb() - memory < GROWTH_MB_MAX
            results = [one.result() for one in writers]
        still_open = [stream for _, some in results for stream in some]
        assert len(still_open) >= 2 * WRITERS
        # Two batches wait to be folded, one is folded, one appended: no record was larger.
        ahead = (ledger.log.end() - end) * len(EVENT)
        assert ahead <= 4 * (BATCH_BYTES_MAX + len(EVENT))

        slow.rollback()
        ledger.ledger.committer.catch_up()
        monkeypatch.setattr(driving, "PATIENCE_S", 60.0)
        done, still_open = insist(ledger, time.monotonic() + 0.5)
        assert done
        assert not still_open
        again = MemoryFoldStore()
        ledger.ledger.committer.catch_up()
        Folder(ledger.log, again, ledger.identity.origin).fold_through(ledger.log.end() - 1)
        assert again.cursor().frontier.root() == ledger.store.cursor().frontier.root()
    assert threading.active_count() < WRITERS
