"""`metroledger simulate`: an operator that does not exist delivers, for demos and tests.

It plays the other side, so it opens no ledger: all it needs is an account at a drop box.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import format_keyring
from adapters.dso.enedis.nights import History, parcels, runs, simulated_keyring
from adapters.dso.enedis.pushing import Pace, Target, push, read_address
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import MOST_METERS
from keys.files import write_durably
from metroledger.cli.common import Commands, command, day, group

if TYPE_CHECKING:
    from metroledger.settings import Settings

COUNT_MAX: Final = 1_000_000


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    operators = group(commands, "simulate", "Play an operator that delivers, for demos and tests.")
    keys = command(operators, "enedis-keys", _keys, "Write the keys that its files are under.")
    keys.add_argument("file", type=Path, help="for 'metroledger operator keys'")
    keys.add_argument("--seed", type=int, default=1)
    push_to = command(operators, "enedis", _enedis, "Push nights of Enedis into a drop box.")
    push_to.add_argument("--to", required=True, metavar="sftp://ACCOUNT@HOST:PORT/DIRECTORY")
    push_to.add_argument("--key", type=Path, required=True, help="private key of the account")
    push_to.add_argument("--host-key", type=Path, required=True, help="the drop box's public key")
    push_to.add_argument("--first-day", type=day, required=True, help="first day measured")
    push_to.add_argument("--days", type=count, default=1, help="how many days (default: 1)")
    push_to.add_argument("--seed", type=int, default=1, help="one seed is one history")
    push_to.add_argument("--meters", type=count, default=MOST_METERS, help="of the whole town")
    push_to.add_argument("--points-a-file", type=count, default=MOST_METERS)
    push_to.add_argument("--pause", type=seconds, default=0.0, help="seconds between 64 KiB pieces")
    push_to.add_argument("--night", type=seconds, default=0.0, help="seconds between two nights")


def count(text: str) -> int:
    """Read a number from 1."""
    if not text.isdecimal() or not 1 <= int(text) <= COUNT_MAX:
        message = f"this is a whole number from 1 to {COUNT_MAX}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def seconds(text: str) -> float:
    """Read how long, from 0 to a day."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= timedelta(days=1).total_seconds():
        message = "seconds are a number from 0 to 86400"
        raise argparse.ArgumentTypeError(message)
    return value


def _keys(_settings: Settings, arguments: argparse.Namespace) -> int:
    write_durably(arguments.file, format_keyring(simulated_keyring(arguments.seed)).encode())
    print(f"keys written to {arguments.file}; keep them with 'metroledger operator keys'")
    return 0


def _enedis(_settings: Settings, arguments: argparse.Namespace) -> int:
    account, host, port, directory = read_address(arguments.to)
    target = Target(
        host=host,
        port=port,
        account=account,
        directory=PurePosixPath(directory),
        key=arguments.key,
        host_key=arguments.host_key,
    )
    asyncio.run(_push_all(target, arguments))
    return 0


async def _push_all(target: Target, arguments: argparse.Namespace) -> None:
    history = History(
        seed=arguments.seed,
        town=town(arguments.seed, arguments.meters),
        points_a_file=min(arguments.points_a_file, MOST_METERS),
    )
    keyring = simulated_keyring(arguments.seed)
    last = arguments.first_day + timedelta(days=arguments.days - 1)
    pace = Pace(pause_s=arguments.pause)
    for number, run in enumerate(runs(history, arguments.first_day, last)):
        await asyncio.sleep(arguments.night if number else 0)
        print(f"night {run.at:%Y-%m-%d %H:%M}", flush=True)
        sent = itertools.count(1)
        async for pushed in push(parcels(run, keyring), target, pace):
            again = f", try {pushed.tries}" if pushed.tries > 1 else ""
            size = len(pushed.parcel.content)
            print(f"  {next(sent):>4} {pushed.parcel.name} {size} bytes{again}", flush=True)
