"""Commands on logs themselves: make a Kafka topic, look at one, move a ledger to another log."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import Care, Place
from adapters.kafka.topic import create_topic
from adapters.postgres.log import PostgresLog
from adapters.postgres.store import PostgresFoldStore
from application.moving import adopt, copy_log, without_erased
from metroledger.bootstrap import connect, open_ledger
from metroledger.cli.common import Commands, command, group
from metroledger.kept import Topic
from metroledger.log_opening import care_of, open_log
from metroledger.settings import read_identity

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ledger.log import CommitLog
    from metroledger.settings import Settings


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
        one.add_argument("topic")
    for one in (create, show, copy):
        needed = one is not copy
        one.add_argument("--servers", required=needed, help="some of its brokers, HOST:PORT,…")
        one.add_argument("--replicas", type=int, default=3, help="on how many brokers (default 3)")


def _create(_settings: Settings, arguments: argparse.Namespace) -> int:
    place, care = _place(arguments)
    create_topic(place, care)
    print(
        f"topic {place.topic} made: {care.replicas} replicas, {care.in_sync} in sync, kept for ever"
    )
    return 0


def _show(_settings: Settings, arguments: argparse.Namespace) -> int:
    with _topic(arguments) as log:
        described, begin, end = log.describe(), log.begin(), log.end()
    held = f"records {begin} to {end - 1}" if end > begin else "no records"
    print(f"topic {arguments.topic}, id {described.identity}: {held}")
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
        with _topic(arguments) as log:
            yield log
        return
    with connect(settings) as connections:
        yield PostgresLog(connections)


@contextlib.contextmanager
def _topic(arguments: argparse.Namespace) -> Iterator[KafkaLog]:
    log = KafkaLog(*_place(arguments))
    try:
        yield log
    finally:
        log.close()


def _place(arguments: argparse.Namespace) -> tuple[Place, Care]:
    servers = tuple(one.strip() for one in arguments.servers.split(",") if one.strip())
    topic = Topic(servers=servers, name=arguments.topic, replicas=arguments.replicas)
    return Place(servers=topic.servers, topic=topic.name), care_of(topic)
