"""The installations of tests/application, and ledgers whose log is on real brokers."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.kafka.place import ALONE, Care
from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.topic import create_topic
from metroledger.kept import Topic
from tests.application.conftest import site
from tests.application.world import Place, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.kafka.embedded import EmbeddedKafka
    from tests.application.world import Site

__all__ = ["site"]


def make_topic(servers: str, name: str, replicas: int) -> Topic:
    """Make a topic for a ledger; return how the settings name it."""
    topic = Topic(servers=tuple(servers.split(",")), name=name, replicas=replicas)
    care = Care() if replicas > 1 else ALONE
    create_topic(TopicPlace(servers=topic.servers, topic=name), care)
    return topic


@contextlib.contextmanager
def founded_on(site: Site, servers: str, name: str, replicas: int) -> Iterator[Place]:
    """A ledger on a topic of its own, with texts and an agreement."""
    place = replace(site.new(), topic=make_topic(servers, name, replicas))
    found(place)
    yield place
    site.drop(place)


@pytest.fixture
def on_cluster(site: Site, cluster: EmbeddedKafka, topic: str) -> Iterator[Place]:
    """A ledger on three brokers, which its test may kill and freeze."""
    with founded_on(site, cluster.bootstrap, topic, 3) as place:
        yield place


@pytest.fixture
def on_broker(site: Site, broker: str, topic: str) -> Iterator[Place]:
    """A ledger on the one broker that nobody may harm."""
    with founded_on(site, broker, topic, 1) as place:
        yield place
