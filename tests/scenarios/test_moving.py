"""A ledger moves from PostgreSQL to Kafka and back, and to a topic without what was erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import erasure
from ledger.readings import key_ids
from ledger.record import decode
from metroledger.bootstrap import administrator
from metroledger.kept import BOOTSTRAP, LOG, POSTGRES, REPLICAS, Topic
from schemas.private import decode_private
from tests.application.world import (
    SEED,
    Place,
    closed,
    opened,
    settle,
    settle_all,
    take,
    write_nights,
)
from tests.scenarios.erasing import ask_for_erasure

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

NIGHTS = [date(2026, 3, day) for day in (1, 2, 3)]


def must(place: Place, *arguments: object) -> str:
    said = place.run(*arguments)
    assert said.code == 0, said.err
    return said.out


@pytest.fixture
def topic_place(place: Place, broker: str, topic: str) -> Place:
    """The same ledger, with settings that name a topic that was made for it."""
    must(place, "log", "create", topic, "--servers", broker, "--replicas", 1)
    named = replace(place, topic=Topic(servers=tuple(broker.split(",")), name=topic, replicas=1))
    assert must(named, "log", "show").startswith(f"topic {topic}, id ")
    return named


def root(installation: Installation) -> tuple[int, bytes]:
    at = installation.store.cursor()
    return at.size, at.frontier.root()


def copied(place: Place, to: Place, *options: str) -> str:
    """Copy a ledger's log to where another place's settings name it."""
    named = to.topic
    if named is None:
        return must(place, "log", "copy", *options)
    described = {BOOTSTRAP: ",".join(named.servers), REPLICAS: str(named.replicas)}
    log = {} if place.topic else {LOG: POSTGRES}
    return must(replace(place, also=log | described), "log", "copy", named.name, *options)


def test_a_ledger_moves_to_a_topic_and_back_with_the_same_roots(
    place: Place, topic_place: Place, tmp_path: Path
) -> None:
    meters = town(SEED, 1)
    first, second, third = write_nights(tmp_path, meters, NIGHTS)
    with place.open() as ledger:
        settle(ledger, meters[0].number)
        take(ledger, first)
        before, records = root(ledger), ledger.log.end()
    assert copied(place, topic_place).startswith(f"{records} records lie in kafka:")
    refused = topic_place.run("replay")
    assert (refused.code, "made again" in refused.err) == (1, True)
    assert "the ledger goes on from kafka" in must(topic_place, "log", "adopt")
    with topic_place.open() as ledger:
        assert root(ledger) == before
        take(ledger, second)
        assert closed(ledger).covered == 2
        before = root(ledger)
    assert "made again" in place.run("replay").err, "the former log is not the ledger's any more"
    copied(topic_place, place)
    assert "the ledger goes on from postgresql" in must(place, "log", "adopt")
    with place.open() as ledger:
        assert root(ledger) == before
        take(ledger, third)
        assert closed(ledger).covered == 3
        assert opened(ledger).passed


def test_what_destroyed_keys_had_sealed_is_left_out_and_no_proof_breaks(
    place: Place, topic_place: Place, tmp_path: Path
) -> None:
    meters = town(SEED, 2)
    (night,) = write_nights(tmp_path, meters, NIGHTS[:1])
    with place.open() as ledger:
        leaving, _ = settle_all(ledger, meters)
        take(ledger, night)
        receipt = tmp_path / "consent.tlog-proof"
    must(place, "receipt", leaving.consents[0], "--output", receipt)
    with place.open() as ledger:
        ask_for_erasure(ledger, leaving)
        erasure.erase(ledger.services, leaving.account, administrator(ledger))
        ordered = ledger.register.read().ordered
        before, report = root(ledger), opened(ledger)
        assert report.erased > 0
        assert sealed_for(ledger, ordered) > 0
    assert f"what {len(ordered)} destroyed keys" in copied(place, topic_place, "--drop-erased")
    must(topic_place, "log", "adopt")
    with topic_place.open() as ledger:
        assert sealed_for(ledger, ordered) == 0
        assert root(ledger) == before
        assert opened(ledger) == report
        assert closed(ledger).passed
    assert "VERIFIED" in must(topic_place, "verify", receipt)


def sealed_for(ledger: Installation, keys: frozenset[object]) -> int:
    """Count the bytes in the log that are sealed under some keys."""
    count = 0
    for entry in ledger.log.read(1, limit=10_000, bytes_max=64 << 20):
        for frame in decode(entry.record).frames:
            private = decode_private(frame.private)
            if private.key in keys:
                count += len(frame.sealed)
            if frame.readings:
                ids = key_ids(frame.readings, private.extra)
                count += sum(
                    len(one)
                    for key, one in zip(ids, frame.readings.sealed, strict=True)
                    if key in keys
                )
    return count
