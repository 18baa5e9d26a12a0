"""Nine ways in which a topic stops being the one that was folded: each is found, and stops all.

The guard looks each half second here, and at each change of leader; in production every thirty
seconds, and at each change of leader.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.structs import TopicPartition

from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Place
from adapters.kafka.topic import TopicExists, create_topic
from application.guard import look_over
from ledger.fold import Folder
from ledger.genesis import NoGenesis, make_genesis
from ledger.memory import MemoryFoldStore
from ledger.record import Kind
from tests.adapters.kafka.ledger_at_work import AtWork, at_work, make_topic
from tests.ledger.builders import GENESIS, ORIGIN, commit, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.chaos


@pytest.fixture
def ledger(broker: str, topic: str) -> Iterator[AtWork]:
    with at_work(make_topic(broker, topic)) as ledger:
        yield ledger


@pytest.fixture
def admin(broker: str) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=broker.split(","))
    yield admin
    admin.close()


def set_topic(admin: KafkaAdminClient, topic: str, **settings: str) -> None:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("retention_ms", "604800000"),
        ("retention_bytes", "1000000000"),
        ("cleanup_policy", "compact"),
        ("unclean_leader_election_enable", "true"),
        ("compression_type", "producer"),
        ("max_message_bytes", "100000"),
    ],
    ids=["finite retention", "finite size", "compaction", "unclean", "compression", "small"],
)
def test_a_setting_under_which_records_may_be_lost_stops_the_writer(
    ledger: AtWork, admin: KafkaAdminClient, setting: str, value: str
) -> None:
    set_topic(admin, ledger.place.topic, **{setting: value})
    told = ledger.stopped()
    assert f"the topic's {setting.replace('_', '.')} is {value}" in told
    assert "manual: the log is not the one we folded" in told


def test_another_number_of_partitions_stops_the_writer(
    ledger: AtWork, admin: KafkaAdminClient
) -> None:
    admin.create_partitions({ledger.place.topic: 2})
    assert "2 partitions" in ledger.stopped()


def test_a_topic_that_was_deleted_and_made_again_stops_the_writer(
    ledger: AtWork, admin: KafkaAdminClient
) -> None:
    admin.delete_topics([ledger.place.topic])
    make_again(ledger.place)
    with_the_same_records = KafkaLog(ledger.place, ALONE)
    with_the_same_records.append([GENESIS, *(commit(f"c{n}", ("stream", n)) for n in range(3))])
    with_the_same_records.close()
    assert "deleted and made again" in ledger.stopped()


def make_again(place: Place) -> None:
    """Make a topic whose deletion is under way."""
    while True:
        try:
            create_topic(place, ALONE)
        except TopicExists:
            time.sleep(0.05)
        else:
            return


def test_records_that_were_deleted_stop_the_writer(ledger: AtWork, admin: KafkaAdminClient) -> None:
    admin.delete_records({TopicPartition(ledger.place.topic, 0): 2})
    assert "first record is not the genesis" in ledger.stopped()


def test_a_foreign_genesis_is_not_folded(broker: str, topic: str) -> None:
    place = make_topic(broker, topic)
    log = KafkaLog(place, ALONE)
    log.append([make_genesis("ledger.example/other", "2026-11-25T00:00:00Z")])
    folder = Folder(log, MemoryFoldStore(), ORIGIN)
    with pytest.raises(NoGenesis, match="manual: foreign genesis"):
        look_over(folder)
    assert folder.store.cursor().offset == 0
    log.close()


def test_a_record_of_a_newer_rule_stops_the_writer(ledger: AtWork) -> None:
    ledger.log.append([plain(Kind.RULE, "newer", b'{"rule":2}')])
    told = ledger.stopped()
    assert "follows version 2 of the rule" in told
    assert "manual: upgrade" in told


# ── a disk that forgets: a broker of one's own, stopped, its file cut, started ──────────────────


@pytest.fixture(scope="module")
def lone(kafka_place: Path) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(kafka_place / f"lone-{os.getpid()}") as kafka:
        yield kafka


@pytest.fixture
def forgetful(lone: EmbeddedKafka, topic: str) -> Iterator[AtWork]:
    with at_work(make_topic(lone.bootstrap, topic)) as ledger:
        yield ledger


def cut_off(kafka: EmbeddedKafka, topic: str, offset: int) -> None:
    """Stop the broker, cut the file of its records before an offset, and start it."""
    kafka.stop(1)
    (segment,) = (kafka.nodes[0].home / "data" / f"{topic}-0").glob("*.log")
    data = segment.read_bytes()
    at = 0
    while (header := struct.unpack_from(">qi", data, at))[0] < offset:
        at += 12 + header[1]
    segment.write_bytes(data[:at])
    kafka.restart(1)


def test_a_log_that_ends_behind_the_cursor_stops_the_writer(
    lone: EmbeddedKafka, forgetful: AtWork
) -> None:
    cut_off(lone, forgetful.place.topic, 3)
    assert "ends before what was folded" in forgetful.stopped()


def test_a_tail_that_was_cut_off_and_grew_again_stops_the_writer(
    lone: EmbeddedKafka, forgetful: AtWork
) -> None:
    place = forgetful.place
    forgetful.blind = True
    cut_off(lone, place.topic, 3)
    other = KafkaLog(place, ALONE)
    assert list(other.append([commit("x", ("other", 0)), commit("y", ("other", 1))])) == [3, 4]
    other.close()
    forgetful.blind = False
    assert "another one now" in forgetful.stopped()
