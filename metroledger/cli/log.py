"""Commands on logs themselves: make a Kafka topic, look at one, move a ledger to another log."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.kafka.log import KafkaLog
from adapters.kafka.topic import create_topic
from adapters.postgres.log import PostgresLog
from adapters.postgres.store import PostgresFoldStore
from application.moving import adopt, copy_log, without_erased
from domain.errors import Refused
from metroledger.bootstrap import connect, open_ledger
from metroledger.cli.common import Commands, command, group
from metroledger.kept import BOOTSTRAP, REPLICAS_MAX, Topic, read_servers
from metroledger.log_opening import care_of, open_log, topic_at
from metroledger.settings import read_identity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ledger.log import CommitLog
    from metroledger.settings import Settings


class NoBrokersNamed(Refused):
    """Neither the settings nor the command say which Kafka is meant."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            f"no Kafka is named; set {BOOTSTRAP} to some of its brokers, HOST:PORT,HOST:PORT, or "
            "give --servers"
        )


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    logs = group(commands, "log", "Logs: make a topic, look at one, move to another log.")
    create = command(logs, "create", _create, "Make a topic, by name: where a ledger is to begin.")
    show = command(logs, "show", _show, "Say what a topic holds, and what is wrong with it.")
    copy = command(logs, "copy", _copy, "Copy the ledger's log to another one, and compare.")
    command(logs, "adopt", _adopt, "Go on from the log that the settings name now, a copy.")
    copy.add_argument("topic", nargs="?", help="a topic that is there (default: the database)")
    copy.add_argument(
        "--drop-erased", action="store_true", help="leave out what destroyed keys had sealed"
    )
    for one in (create, show):
        one.add_argument("topic", nargs="?", help="its name (default: the settings')")
    for one in (create, show, copy):
        one.add_argument("--servers", help="some of its brokers, HOST:PORT,… (the settings')")
        one.add_argument(
            "--replicas",
            type=int,
            choices=range(1, REPLICAS_MAX + 1),
            metavar="N",
            help="on how many brokers (the settings', or 3)",
        )


def _create(settings: Settings, arguments: argparse.Namespace) -> int:
    topic = _meant(settings, arguments)
    care = care_of(topic)
    with topic_at(settings, topic) as place:
        create_topic(place, care)
    print(
        f"topic {topic.name} made: {care.replicas} replicas, {care.in_sync} in sync, kept for ever"
    )
    return 0


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    topic = _meant(settings, arguments)
    with _open(settings, topic) as log:
        described, begin, end = log.describe(), log.begin(), log.end()
    held = f"records {begin} to {end - 1}" if end > begin else "no records"
    print(f"topic {topic.name}, id {described.identity}: {held}")
    for fault in described.faults:
        print(f"  FAULT {fault}")
    return 1 if described.faults else 0


def _copy(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation, _target(settings, arguments) as target:
        ordered = installation.register.read().ordered if arguments.drop_erased else frozenset()
        steps = copy_log(installation.log, target, lambda one: without_erased(one, ordered))
        records = max(steps, default=0)
        name = target.describe().name
    print(f"{records} records lie in {name} now, read back and compared")
    if arguments.drop_erased:
        print(f"  without what {len(ordered)} destroyed keys had sealed")
    print("next: stop every process of the ledger, name that log in the settings, and type")
    print("  metroledger log adopt")
    return 0


def _adopt(settings: Settings, _arguments: argparse.Namespace) -> int:
    origin = read_identity(settings).origin
    with connect(settings) as connections, open_log(settings, connections) as log:
        result = adopt(log, PostgresFoldStore(connections), origin)
        print(f"the ledger goes on from {log.describe().name}")
    for line in result.lines():
        print(line)
    return 0


@contextlib.contextmanager
def _target(settings: Settings, arguments: argparse.Namespace) -> Iterator[CommitLog]:
    if arguments.topic is not None:
        with _open(settings, _meant(settings, arguments)) as log:
            yield log
        return
    with connect(settings) as connections:
        yield PostgresLog(connections)


@contextlib.contextmanager
def _open(settings: Settings, topic: Topic) -> Iterator[KafkaLog]:
    with (
        topic_at(settings, topic) as place,
        contextlib.closing(KafkaLog(place, care_of(topic))) as log,
    ):
        yield log


def _meant(settings: Settings, arguments: argparse.Namespace) -> Topic:
    """Return the topic that the settings describe, but for what the command says otherwise."""
    if settings.described is None and arguments.servers is None:
        raise NoBrokersNamed
    topic = settings.described or Topic()
    told = {
        "servers": read_servers(arguments.servers or "", "--servers"),
        "name": arguments.topic,
        "replicas": arguments.replicas,
    }
    return replace(topic, **{name: value for name, value in told.items() if value})
