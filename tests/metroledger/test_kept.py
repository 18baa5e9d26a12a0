"""Which log keeps the ledger, as an operator writes it."""

from pathlib import Path

import pytest

from adapters.kafka.access import CLEAR, Access
from domain.errors import Refused
from metroledger.kept import (
    AUTHORITIES,
    BOOTSTRAP,
    CERTIFICATE,
    KAFKA,
    LOG,
    MECHANISM,
    PASSWORD_FILE,
    POSTGRES,
    REPLICAS,
    TLS,
    TOPIC,
    USER,
    AccessIncomplete,
    KafkaNotAsked,
    NoSuchLog,
    NotAKafka,
    Topic,
    read_described,
    read_topic,
)
from metroledger.log_opening import care_of

NAMED = {LOG: KAFKA, BOOTSTRAP: "kafka-1:9092"}
ACCOUNT = {TLS: "yes", USER: "ledger", PASSWORD_FILE: "secret"}


def test_the_log_is_the_databases_table_unless_told_otherwise() -> None:
    assert read_topic({}) is None
    assert read_topic({LOG: POSTGRES}) is None


def test_without_a_cluster_named_the_broker_is_one_of_our_own() -> None:
    topic = read_topic({LOG: KAFKA})
    assert topic == Topic(servers=(), name="metroledger", replicas=1)
    assert topic.embedded


def test_a_cluster_is_named_by_some_of_its_brokers() -> None:
    told = {LOG: KAFKA, BOOTSTRAP: "kafka-1:9092, [::1]:9093", TOPIC: "ville.registre"}
    topic = read_topic(told)
    assert topic == Topic(servers=("kafka-1:9092", "[::1]:9093"), name="ville.registre", replicas=3)
    assert not topic.embedded


def test_brokers_are_spoken_to_in_clear_unless_told_otherwise() -> None:
    topic = read_topic(NAMED)
    assert topic is not None
    assert topic.access == CLEAR


def test_who_is_trusted_and_as_whom_the_ledger_comes_are_files_and_a_name() -> None:
    told = NAMED | ACCOUNT | {AUTHORITIES: "/etc/ca.pem", CERTIFICATE: "/etc/own.pem"}
    topic = read_topic(told | {MECHANISM: "PLAIN"})
    assert topic is not None
    assert topic.access == Access(
        tls=True,
        authorities=Path("/etc/ca.pem"),
        certificate=Path("/etc/own.pem"),
        user="ledger",
        password=Path("secret").absolute(),
        mechanism="PLAIN",
    )


def test_a_kafka_that_is_not_the_ledgers_is_described_beside_a_log_that_is_named() -> None:
    told = {LOG: POSTGRES, BOOTSTRAP: "kafka-1:9092", TOPIC: "next"}
    assert read_topic(told) is None
    assert read_described(told) == Topic(servers=("kafka-1:9092",), name="next", replicas=3)
    assert read_described(NAMED) == read_topic(NAMED)
    assert read_described({}) is None


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, 1), (2, 2), (3, 2), (5, 2)])
def test_a_record_counts_when_two_brokers_have_it_where_there_are_two(
    replicas: int, in_sync: int
) -> None:
    assert care_of(Topic(replicas=replicas)).in_sync == in_sync


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        ({LOG: "kafak"}, NoSuchLog, "METROLEDGER_LOG is postgres"),
        ({LOG: ""}, NoSuchLog, "or kafka"),
        ({BOOTSTRAP: "kafka-1:9092"}, KafkaNotAsked, BOOTSTRAP),
        ({TOPIC: "x", REPLICAS: "3"}, KafkaNotAsked, f"{REPLICAS}, {TOPIC}"),
        ({LOG: KAFKA, BOOTSTRAP: "kafka-1"}, NotAKafka, "HOST:PORT"),
        ({LOG: KAFKA, BOOTSTRAP: "kafka-1:9092;kafka-2:9092"}, NotAKafka, "HOST:PORT"),
        ({LOG: KAFKA, TOPIC: "a b"}, NotAKafka, "a topic's name"),
        ({LOG: KAFKA, TOPIC: ".."}, NotAKafka, "a topic's name"),
        ({LOG: KAFKA, REPLICAS: "0"}, NotAKafka, "from 1 to 7"),
        ({LOG: KAFKA, REPLICAS: "three"}, NotAKafka, "from 1 to 7"),
        (NAMED | {TLS: "true"}, NotAKafka, "'yes' or 'no'"),
        ({LOG: KAFKA, TLS: "yes"}, AccessIncomplete, BOOTSTRAP),
        (NAMED | {AUTHORITIES: "ca.pem"}, AccessIncomplete, f"{TLS}=yes"),
        (NAMED | {USER: "ledger", PASSWORD_FILE: "secret"}, AccessIncomplete, f"{TLS}=yes"),
        (NAMED | {TLS: "yes", USER: "ledger"}, AccessIncomplete, PASSWORD_FILE),
        (NAMED | {TLS: "yes", PASSWORD_FILE: "secret"}, AccessIncomplete, USER),
        (NAMED | {TLS: "yes", MECHANISM: "PLAIN"}, AccessIncomplete, USER),
        (NAMED | ACCOUNT | {MECHANISM: "MD5"}, NotAKafka, "SCRAM-SHA-512"),
    ],
)
def test_what_says_nothing_that_can_be_done_stops_the_start(
    told: dict[str, str], error: type[Refused], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_topic(told)
