"""Where a benchmark runs: a ledger of its own on the embedded default, taken down after it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.place import Place
from adapters.kafka.topic import create_topic
from adapters.postgres.embedded import EmbeddedPostgres
from metroledger.bootstrap import create_ledger
from metroledger.kept import Topic
from metroledger.log_opening import care_of
from metroledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def home(nodes: int = 0) -> Iterator[Settings]:
    """Lend a ledger's settings, its PostgreSQL running for as long.

    With `nodes`, its log is a topic of so many real brokers, each record on up to three of them.
    """
    with (
        tempfile.TemporaryDirectory(prefix="metroledger-bench-") as directory,
        contextlib.ExitStack() as stack,
    ):
        Path(directory).chmod(0o711)
        settings = Settings(home=Path(directory) / "home")
        stack.enter_context(EmbeddedPostgres(settings.postgres))
        if nodes:
            brokers = EmbeddedKafka(Path(directory) / "kafka", nodes=nodes)
            settings = replace(settings, topic=_topic(stack.enter_context(brokers)))
        create_ledger(settings, "ledger.example.org/bench")
        yield settings


def _topic(brokers: EmbeddedKafka) -> Topic:
    servers = tuple(brokers.bootstrap.split(","))
    topic = Topic(servers=servers, name="bench", replicas=min(len(brokers.nodes), 3))
    create_topic(Place(servers=servers, topic=topic.name), care_of(topic))
    return topic


def say(what: str) -> None:
    """Tell whoever waits how far it is; the report alone goes to standard output."""
    print(f"# {what}", file=sys.stderr, flush=True)
