"""Which log keeps the ledger: a table of the database, or a topic of a Kafka."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG: Final = "METROLEDGER_LOG"
BOOTSTRAP: Final = "METROLEDGER_KAFKA_BOOTSTRAP"
TOPIC: Final = "METROLEDGER_KAFKA_TOPIC"
REPLICAS: Final = "METROLEDGER_KAFKA_REPLICAS"
KNOWN: Final = frozenset({LOG, BOOTSTRAP, TOPIC, REPLICAS})

POSTGRES: Final = "postgres"
KAFKA: Final = "kafka"
_REPLICAS_MAX: Final = 7
_SERVER: Final = re.compile(r"[^\s,:\[\]]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}")


class NoSuchLog(Refused):
    """The setting names a log that there is not."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            f"{LOG} is {POSTGRES} (the default) or {KAFKA}; correct it or unset it. A ledger stays "
            "on the log it was opened on, until 'metroledger log copy' and 'log adopt' move it"
        )


class NotAKafka(Refused):
    """A setting that says which Kafka to use does not."""

    def __init__(self, name: str, form: str) -> None:
        """Take the setting's name and what it should look like."""
        super().__init__(f"{name} is {form}; correct it or unset it")


class KafkaNotAsked(Refused):
    """A Kafka is described and the log is another one."""

    def __init__(self, names: list[str]) -> None:
        """Take the settings' names."""
        super().__init__(
            f"{', '.join(names)} would do nothing, for {LOG} is not {KAFKA}; set {LOG}={KAFKA}, or "
            "unset the others"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The topic of a Kafka that is the ledger's log.

    `servers` are some of the cluster's brokers, HOST:PORT; none for an embedded broker. Each
    record is kept on `replicas` brokers.
    """

    servers: tuple[str, ...] = ()
    name: str = "metroledger"
    replicas: int = 3

    @property
    def embedded(self) -> bool:
        """Whether the broker is one of our own, beside the program."""
        return not self.servers


def read_topic(environment: Mapping[str, str]) -> Topic | None:
    """Return the topic that an environment names; None where the log is the database's table."""
    kind = environment.get(LOG, POSTGRES)
    if kind not in {POSTGRES, KAFKA}:
        raise NoSuchLog
    if kind == POSTGRES:
        if described := sorted(name for name in KNOWN - {LOG} if name in environment):
            raise KafkaNotAsked(described)
        return None
    servers = tuple(one.strip() for one in environment.get(BOOTSTRAP, "").split(",") if one.strip())
    if not all(_SERVER.fullmatch(one) for one in servers):
        raise NotAKafka(BOOTSTRAP, "some of the brokers' addresses, HOST:PORT,HOST:PORT")
    name = environment.get(TOPIC, "metroledger")
    if not _NAME.fullmatch(name):
        raise NotAKafka(TOPIC, "a topic's name: letters, digits, dots, lines, at most 249")
    replicas = environment.get(REPLICAS, "3" if servers else "1")
    if not replicas.isdecimal() or not 1 <= int(replicas) <= _REPLICAS_MAX:
        raise NotAKafka(REPLICAS, f"a whole number from 1 to {_REPLICAS_MAX}")
    return Topic(servers=servers, name=name, replicas=int(replicas))


def embedded_environment(topic: Topic | None) -> dict[str, str]:
    """Return what tells a process to use an embedded broker where the log is Kafka's."""
    return {LOG: KAFKA} if topic else {}
