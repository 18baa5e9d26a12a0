"""`metroledger fetch`: bring the files of an operator that does not push."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dropbox.fetch import Basket, fetch, read_source
from metroledger.cli.common import Commands, command, print_json
from metroledger.settings import read_identity

if TYPE_CHECKING:
    from metroledger.settings import Settings

_OPERATOR: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    bring = command(commands, "fetch", _fetch, "Fetch the files of an operator that does not push.")
    bring.add_argument("operator", type=operator)
    bring.add_argument(
        "--from", dest="address", required=True, metavar="sftp://ACCOUNT@HOST:PORT/DIRECTORY"
    )
    bring.add_argument("--key", type=Path, required=True, help="our private key there")
    bring.add_argument("--host-key", type=Path, required=True, help="the operator's host key")
    bring.add_argument("--delete", action="store_true", help="delete there what was brought")
    bring.add_argument("--json", action="store_true", help="one JSON line")


def operator(text: str) -> str:
    """Read an operator's name: it is a directory's name too."""
    if not _OPERATOR.fullmatch(text):
        message = "an operator's name has small letters, digits and hyphens"
        raise argparse.ArgumentTypeError(message)
    return text


def _fetch(settings: Settings, arguments: argparse.Namespace) -> int:
    read_identity(settings)  # no directory is made where no ledger is
    source = read_source(arguments.address, arguments.key, arguments.host_key)
    basket = Basket(
        directory=settings.incoming / arguments.operator,
        journal=settings.fetched / arguments.operator,
    )
    done = asyncio.run(fetch(source, basket, delete=arguments.delete))
    if arguments.json:
        print_json(
            {"brought": done.brought, "waiting": done.waiting, "passed_over": done.passed_over}
        )
        return 0
    for name in done.brought:
        print(name)
    print(
        f"{len(done.brought)} brought to {basket.directory}, {done.waiting} wait for the next "
        f"time, {done.passed_over} passed over"
    )
    return 0
