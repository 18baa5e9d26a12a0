"""`metroledger personal-data`: the record of processing, with this installation's periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metroledger.cli.common import Commands, command, print_json
from metroledger.personal_data.page import controller_of, render, rows

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    told = command(
        commands,
        "personal-data",
        _tell,
        "Every field that is stored, what for, how long, where: the record of processing.",
    )
    told.add_argument("--json", action="store_true", help="one JSON line a field")


def _tell(settings: Settings, arguments: argparse.Namespace) -> int:
    controller = controller_of(settings)
    if arguments.json:
        for row in rows(controller):
            print_json(row)
    else:
        print(render(controller), end="")
    return 0
