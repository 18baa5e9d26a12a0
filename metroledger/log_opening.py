"""Open the ledger's log, wherever it is kept; what is folded of it lies in PostgreSQL.

Kafka's client is imported where a topic is opened: it takes a sixth of a command's start.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from adapters.postgres.log import PostgresLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.kafka.place import Care, Place
    from adapters.postgres.connections import Connections
    from ledger.log import CommitLog
    from metroledger.kept import Topic
    from metroledger.settings import Settings

IN_SYNC_MAX: Final = 2
"""On so many brokers a record lies before it counts, where it is kept on more than one."""


@runtime_checkable
class Changing(Protocol):
    """A log that tells when it is reached anew; see `KafkaLog`."""

    def on_change(self, changed: Callable[[], None]) -> None:
        """Have `changed` called after each change of leader and each outage."""


@contextlib.contextmanager
def open_log(
    settings: Settings, connections: Connections, *, create: bool = False
) -> Iterator[CommitLog]:
    """Lend the log, whose broker may not answer just now.

    With `create`, an embedded broker's topic is made where it is missing. One of somebody's
    cluster never is: 'metroledger log create' makes it, by name.
    """
    topic = settings.topic
    if topic is None:
        yield PostgresLog(connections)
        return
    from adapters.kafka.log import KafkaLog  # noqa: PLC0415 - see the module's first lines
    from adapters.kafka.topic import TopicExists, create_topic  # noqa: PLC0415 - see the first lines

    with topic_at(settings, topic) as place:
        if create and topic.embedded:
            with contextlib.suppress(TopicExists):  # an attempt before this one was interrupted
                create_topic(place, care_of(topic))
        with contextlib.closing(KafkaLog(place, care_of(topic))) as log:
            yield log


@contextlib.contextmanager
def topic_at(settings: Settings, topic: Topic) -> Iterator[Place]:
    """Lend where a topic is; an embedded broker is kept up for as long."""
    from adapters.kafka.place import Place  # noqa: PLC0415 - see the module's first lines

    with contextlib.ExitStack() as stack:
        servers = topic.servers or _embedded(settings, stack)
        yield Place(servers=servers, topic=topic.name, access=topic.access)


def heed(log: CommitLog, changed: Callable[[], None]) -> None:
    """Have `changed` told of each new leader and outage that is over, where the log has such."""
    if isinstance(log, Changing):
        log.on_change(changed)


@contextlib.contextmanager
def embedded_broker(settings: Settings) -> Iterator[None]:
    """Keep the embedded broker up, where the log is on one: else each command starts it anew."""
    with contextlib.ExitStack() as stack:
        if settings.topic is not None and settings.topic.embedded:
            _embedded(settings, stack)
        yield


def care_of(topic: Topic) -> Care:
    """Return how a topic must be kept."""
    from adapters.kafka.place import Care  # noqa: PLC0415 - see the module's first lines

    return Care(replicas=topic.replicas, in_sync=min(IN_SYNC_MAX, topic.replicas))


def _embedded(settings: Settings, stack: contextlib.ExitStack) -> tuple[str, ...]:
    from adapters.kafka.embedded import EmbeddedKafka  # noqa: PLC0415 - see the module's first lines

    return tuple(stack.enter_context(EmbeddedKafka(settings.kafka)).bootstrap.split(","))
