"""`metroledger dropbox`: the SFTP server that operators push into; it opens no ledger."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from adapters.dropbox.quota import Quota
from adapters.dropbox.server import Door, listen, make_host_key
from adapters.dropbox.watch import INCOMING
from adapters.dso.enedis.archive import LARGEST_BYTES
from application.telling import tell
from domain.values import civil_day
from metroledger import logs
from metroledger.bootstrap import now
from metroledger.cli.common import Commands, command

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import DropBox, Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    command(commands, "dropbox", _dropbox, "Let operators push files in, over SFTP.")


def door_of(box: DropBox) -> Door:
    """Return who may come in and where each one's directory lies."""
    return Door(
        accounts=box.accounts,
        incoming=box.place / INCOMING,
        counts=box.counts,
        quota=Quota(file_bytes=LARGEST_BYTES),
        today=lambda: civil_day(now()),
    )


def _dropbox(settings: Settings, _arguments: argparse.Namespace) -> int:
    logs.set_up(sys.stderr)
    make_host_key(settings.dropbox.host_key)
    asyncio.run(_serve(settings.dropbox))
    return 0


async def _serve(box: DropBox) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            await listen(*box.sftp, door_of(box), box.host_key)
        )
        tell("sftp-listens", port=server.get_port())
        await stop.wait()
