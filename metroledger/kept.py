"""Which log keeps the ledger: a table of the database, or a topic of a Kafka."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.kafka.access import CLEAR, MECHANISMS, Access
from domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG: Final = "METROLEDGER_LOG"
BOOTSTRAP: Final = "METROLEDGER_KAFKA_BOOTSTRAP"
TOPIC: Final = "METROLEDGER_KAFKA_TOPIC"
REPLICAS: Final = "METROLEDGER_KAFKA_REPLICAS"
TLS: Final = "METROLEDGER_KAFKA_TLS"
AUTHORITIES: Final = "METROLEDGER_KAFKA_AUTHORITIES"
CERTIFICATE: Final = "METROLEDGER_KAFKA_CERTIFICATE"
USER: Final = "METROLEDGER_KAFKA_USER"
PASSWORD_FILE: Final = "METROLEDGER_KAFKA_PASSWORD_FILE"  # noqa: S105 - names a file
MECHANISM: Final = "METROLEDGER_KAFKA_MECHANISM"
_ACCESS: Final = frozenset({TLS, AUTHORITIES, CERTIFICATE, USER, PASSWORD_FILE, MECHANISM})
KNOWN: Final = frozenset({LOG, BOOTSTRAP, TOPIC, REPLICAS}) | _ACCESS

POSTGRES: Final = "postgres"
KAFKA: Final = "kafka"
REPLICAS_MAX: Final = 7
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
            f"unset the others; to look at or copy to a log that is not the ledger's, set "
            f"{LOG}={POSTGRES} by name"
        )


class AccessIncomplete(Refused):
    """A setting on how Kafka is reached needs another one."""

    def __init__(self, name: str, needed: str) -> None:
        """Take the setting's name and what it needs."""
        super().__init__(f"{name} needs {needed}; set both or neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """The topic of a Kafka that is the ledger's log.

    `servers` are some of the cluster's brokers, HOST:PORT; none for an embedded broker. Each
    record is kept on `replicas` brokers. `access` is how they are spoken to.
    """

    servers: tuple[str, ...] = ()
    name: str = "metroledger"
    replicas: int = 3
    access: Access = CLEAR

    @property
    def embedded(self) -> bool:
        """Whether the broker is one of our own, beside the program."""
        return not self.servers


def read_topic(environment: Mapping[str, str]) -> Topic | None:
    """Return the topic that is the ledger's log; None where the log is the database's table.

    A topic that is described while the log is another one must be meant: the log is named then.
    """
    kind = environment.get(LOG, POSTGRES)
    if kind not in {POSTGRES, KAFKA}:
        raise NoSuchLog
    if kind == KAFKA:
        return _topic(environment)
    described = sorted(name for name in KNOWN - {LOG} if name in environment)
    if described and LOG not in environment:
        raise KafkaNotAsked(described)
    return None


def read_described(environment: Mapping[str, str]) -> Topic | None:
    """Return the topic that is described, the ledger's log or another one to look at or copy to."""
    described = (KNOWN - {LOG}) & environment.keys()
    return _topic(environment) if described or environment.get(LOG) == KAFKA else None


def read_servers(text: str, name: str) -> tuple[str, ...]:
    """Return brokers' addresses out of a list with commas, which may be empty."""
    servers = tuple(one.strip() for one in text.split(",") if one.strip())
    if not all(_SERVER.fullmatch(one) for one in servers):
        raise NotAKafka(name, "some of the brokers' addresses, HOST:PORT,HOST:PORT")
    return servers


def _topic(environment: Mapping[str, str]) -> Topic:
    servers = read_servers(environment.get(BOOTSTRAP, ""), BOOTSTRAP)
    name = environment.get(TOPIC, "metroledger")
    if not _NAME.fullmatch(name):
        raise NotAKafka(TOPIC, "a topic's name: letters, digits, dots, lines, at most 249")
    replicas = environment.get(REPLICAS, "3" if servers else "1")
    if not replicas.isdecimal() or not 1 <= int(replicas) <= REPLICAS_MAX:
        raise NotAKafka(REPLICAS, f"a whole number from 1 to {REPLICAS_MAX}")
    access = _access(environment)
    if access.tls and not servers:
        raise AccessIncomplete(TLS, f"{BOOTSTRAP}: an embedded broker is on this machine")
    return Topic(servers=servers, name=name, replicas=int(replicas), access=access)


def _access(environment: Mapping[str, str]) -> Access:
    """Return how the brokers are spoken to; without TLS, as nobody and in clear."""
    tls = environment.get(TLS, "no")
    if tls not in {"yes", "no"}:
        raise NotAKafka(TLS, "'yes' or 'no'")
    if tls == "no":
        for name in sorted((_ACCESS - {TLS}) & environment.keys()):
            raise AccessIncomplete(name, f"{TLS}=yes")
        return CLEAR
    for one, other in ((USER, PASSWORD_FILE), (PASSWORD_FILE, USER), (MECHANISM, USER)):
        if one in environment and other not in environment:
            raise AccessIncomplete(one, other)
    mechanism = environment.get(MECHANISM, MECHANISMS[0])
    if mechanism not in MECHANISMS:
        raise NotAKafka(MECHANISM, f"one of {', '.join(MECHANISMS)}")
    return Access(
        tls=True,
        authorities=_path(environment, AUTHORITIES),
        certificate=_path(environment, CERTIFICATE),
        user=environment.get(USER),
        password=_path(environment, PASSWORD_FILE),
        mechanism=mechanism,
    )


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]).absolute() if name in environment else None


def embedded_environment(topic: Topic | None) -> dict[str, str]:
    """Return what tells a process to use an embedded broker where the log is Kafka's."""
    return {LOG: KAFKA} if topic else {}
