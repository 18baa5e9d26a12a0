"""The command that answers whoever watches a ledger: alive, ready, in figures."""

from __future__ import annotations

import argparse
import sys

from adapters.http.serving import served
from application.telling import tell
from metroledger import logs
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command
from metroledger.cli.running import stopped_by_signals
from metroledger.operations import Watched, operations_of
from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    summary = "Answer health and metrics, at METROLEDGER_OPERATIONS (default 127.0.0.1:9464)."
    command(commands, "operations", _operations, summary)


def _operations(settings: Settings, _: argparse.Namespace) -> int:
    logs.set_up(sys.stderr)
    watched = Watched()
    with (
        open_ledger(settings, observe=watched.observe, may_wait=True) as installation,
        stopped_by_signals() as stop,
        served(operations_of(installation, watched, ledger=True), settings.operations) as port,
    ):
        tell("operations-started", port=port)
        print(f"operations: port {port}: /healthz /readyz /metrics", flush=True)
        stop.wait()
        tell("operations-ended")
    return 0
