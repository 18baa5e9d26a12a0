"""Where a Kafka log is, how it is to be kept, and the outages that are told apart from faults."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from adapters.kafka.access import CLEAR, Access
from domain.errors import Unavailable
from ledger.record import RECORD_MAX

MESSAGE_MAX: Final = RECORD_MAX + 1_024
"""The largest batch of records, in bytes, of producer and topic: one record and its overhead."""

# The client logs every attempt that fails, on standard error where nobody asked for logs. What
# comes of them is told here: as an error with a sentence, or as *in doubt*.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class KafkaUnavailable(Unavailable):
    """The cluster does not answer, or the topic has no leader just now."""

    def __init__(self) -> None:
        """Take nothing: the client's own message may quote records."""
        super().__init__(
            "Kafka does not answer, or its topic has no leader; nothing is lost: see that the "
            "brokers run (manual: kafka), and give the same command again"
        )


class KafkaRefusesUs(Unavailable):
    """The brokers answer and do not let this ledger in, or are not who they should be."""

    def __init__(self, why: str) -> None:
        """Take what was refused, as a clause in the words of the protocol."""
        super().__init__(
            f"Kafka answers, and the ledger is not let in: {why}; nothing is lost: see to the "
            "certificates, the account and its rights (manual: kafka), and give the same command "
            "again"
        )


class NoTopic(Unavailable):
    """There is no topic of that name; it is never made because it was not found."""

    def __init__(self, topic: str) -> None:
        """Take the topic's name."""
        super().__init__(
            f"there is no topic {topic!r} in this cluster; correct the settings, or make it by "
            f"name with 'metroledger log create {topic}' where a ledger is to begin; where one was "
            "kept there make none, and copy the brokers' disks first (manual: kafka)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A topic of a cluster: `servers` are some of its brokers as `host:port`."""

    servers: tuple[str, ...]
    topic: str
    access: Access = CLEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """How often each record is kept: on `replicas` brokers, `in_sync` of them before it counts."""

    replicas: int = 3
    in_sync: int = 2


ALONE: Final = Care(replicas=1, in_sync=1)
"""The care one broker can take: it survives a kill, not the loss of its disk."""
