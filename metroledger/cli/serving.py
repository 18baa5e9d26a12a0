"""`metroledger serve`: the residents' portal and its API."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Final

from adapters.http.serving import served
from application.telling import tell
from metroledger import logs
from metroledger.bootstrap import open_ledger, rest_garbage_collector
from metroledger.cli.common import Commands, command
from metroledger.cli.running import stopped_by_signals
from metroledger.operations import Watched, operations_of
from metroledger.portal import portal_app, site_of

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


YOUNG: Final = 5_000
"""Objects after which those in cycles are looked for: the pause is 6 ms then, not 120."""


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    summary = "Serve the portal and its API, at METROLEDGER_WEB (default 127.0.0.1:8000)."
    serve = command(commands, "serve", _serve, summary)
    serve.add_argument(
        "--worker", type=int, default=1, metavar="N", help="which one this is, of several"
    )
    serve.add_argument(
        "--listening", type=int, metavar="FD", help="the open socket to serve, as `run` shares it"
    )


def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    logs.set_up(sys.stderr)
    watched = Watched()
    with (
        open_ledger(settings, observe=watched.observe, may_wait=True) as installation,
        stopped_by_signals() as stop,
        served(
            operations_of(installation, watched, ledger=False),
            settings.operations_of_portal(arguments.worker),
        ),
        served(
            portal_app(site_of(installation), watched.meters),
            settings.portal.web
            if arguments.listening is None
            else socket.socket(fileno=arguments.listening),
        ) as port,
    ):
        rest_garbage_collector(YOUNG)
        tell("portal-started", port=port)
        print(f"serve: {settings.portal.public_url}", flush=True)
        stop.wait()
        tell("portal-ended")
    return 0
