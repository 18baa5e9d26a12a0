"""Which log keeps the ledger, as an operator writes it."""

import pytest

from domain.errors import Refused
from metroledger.kept import (
    BOOTSTRAP,
    KAFKA,
    LOG,
    POSTGRES,
    REPLICAS,
    TOPIC,
    KafkaNotAsked,
    NoSuchLog,
    NotAKafka,
    Topic,
    read_topic,
)
from metroledger.log_opening import care_of


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
        ({LOG: POSTGRES, TOPIC: "x", REPLICAS: "3"}, KafkaNotAsked, f"{REPLICAS}, {TOPIC}"),
        ({LOG: KAFKA, BOOTSTRAP: "kafka-1"}, NotAKafka, "HOST:PORT"),
        ({LOG: KAFKA, BOOTSTRAP: "kafka-1:9092;kafka-2:9092"}, NotAKafka, "HOST:PORT"),
        ({LOG: KAFKA, TOPIC: "a b"}, NotAKafka, "a topic's name"),
        ({LOG: KAFKA, TOPIC: ".."}, NotAKafka, "a topic's name"),
        ({LOG: KAFKA, REPLICAS: "0"}, NotAKafka, "from 1 to 7"),
        ({LOG: KAFKA, REPLICAS: "three"}, NotAKafka, "from 1 to 7"),
    ],
)
def test_what_says_nothing_that_can_be_done_stops_the_start(
    told: dict[str, str], error: type[Refused], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_topic(told)
