"""`metroledger broker`: a real Kafka on this machine, for as long as the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adapters.kafka.embedded import EmbeddedKafka
from metroledger.cli.common import Commands, command
from metroledger.cli.running import stopped_by_signals

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings

NODES = (1, 3)


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    summary = "Keep a real Kafka on loopback, of one broker or three, for trials; Ctrl-C ends it."
    parser = command(commands, "broker", _broker, summary)
    parser.add_argument("--nodes", type=int, choices=NODES, default=1, help="how many (default: 1)")
    parser.add_argument(
        "--directory", type=Path, help="where they live (default: kafka in the home directory)"
    )
    parser.add_argument(
        "--port", type=int, help="the first of two ports a node (default: free ones)"
    )


def _broker(settings: Settings, arguments: argparse.Namespace) -> int:
    directory = arguments.directory or settings.kafka
    kafka = EmbeddedKafka(directory, nodes=arguments.nodes, port=arguments.port)
    with stopped_by_signals() as stop, kafka:
        print(f"KAFKA_BOOTSTRAP={kafka.bootstrap}", flush=True)
        stop.wait()
    return 0
