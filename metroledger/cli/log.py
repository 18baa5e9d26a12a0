"""Commands on logs themselves: make a Kafka topic, and look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import Care, Place
from adapters.kafka.topic import create_topic
from metroledger.cli.common import Commands, command, group

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    logs = group(commands, "log", "Kafka topics as logs: make one, look at one.")
    create = command(logs, "create", _create, "Make a topic, by name: where a ledger is to begin.")
    show = command(logs, "show", _show, "Say what a topic holds, and what is wrong with it.")
    for one in (create, show):
        one.add_argument("topic")
        one.add_argument("--servers", required=True, help="some of its brokers, HOST:PORT,…")
        one.add_argument("--replicas", type=int, default=3, help="on how many brokers (default 3)")
        one.add_argument(
            "--in-sync", type=int, default=2, help="on how many before it counts (default 2)"
        )


def _create(_settings: Settings, arguments: argparse.Namespace) -> int:
    place, care = _place(arguments)
    create_topic(place, care)
    print(
        f"topic {place.topic} made: {care.replicas} replicas, {care.in_sync} in sync, kept for ever"
    )
    return 0


def _show(_settings: Settings, arguments: argparse.Namespace) -> int:
    log = KafkaLog(*_place(arguments))
    try:
        described, begin, end = log.describe(), log.begin(), log.end()
    finally:
        log.close()
    held = f"records {begin} to {end - 1}" if end > begin else "no records"
    print(f"topic {arguments.topic}, id {described.identity}: {held}")
    for fault in described.faults:
        print(f"  FAULT {fault}")
    return 1 if described.faults else 0


def _place(arguments: argparse.Namespace) -> tuple[Place, Care]:
    servers = tuple(one.strip() for one in arguments.servers.split(",") if one.strip())
    place = Place(servers=servers, topic=arguments.topic)
    return place, Care(replicas=arguments.replicas, in_sync=arguments.in_sync)
