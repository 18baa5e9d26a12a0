"""A process of its own that does as it is told, line by line, until it dies: for races and kills.

    python -m tests.scenarios.actor

It says "ready", then one line for each line it is told. `erase_until` is the same for whoever
forks: an erasure that kills its process, as a power cut would, when it hears of a point.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from adapters.dso.enedis.crypto import Keyring
from application import consenting, erasure
from application.upkeep import look_after
from domain.aggregates.consent import Origin
from domain.errors import MetroledgerError
from keys.store import Options
from ledger.record import decode
from metroledger.bootstrap import open_ledger
from metroledger.cli.files import ingest_file
from metroledger.cli.offices import administrator
from metroledger.settings import read_settings
from schemas.leaf import decode_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from ledger.store import Cursor
    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings

    Step = Callable[[str], None]


def die_at(wanted: str) -> Step:
    def step(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def announce(installation: Installation, step: Step) -> None:
    """Let a process tell also the key store's steps, and what it appended and folded."""
    installation.keys._options = Options(step=step, backup=installation.settings.key_backup)
    log, committer = installation.log, installation.ledger.committer
    append, publish = log.append, committer._publish
    under_way: list[str] = []

    def appended(records: Sequence[bytes]) -> Sequence[int | None]:
        offsets = append(records)
        frames = (frame for one in records for frame in decode(one).frames)
        under_way[:] = dict.fromkeys(decode_leaf(frame.leaf).type for frame in frames)
        for topic in under_way:
            step(f"appended: {topic}")
        return offsets

    def published(cursor: Cursor) -> None:
        for topic in under_way:
            step(f"folded: {topic}")
        publish(cursor)

    setattr(log, "append", appended)  # noqa: B010 (a method, of this one object alone)
    committer._publish = published


def erase_until(settings: Settings, account: UUID, point: str) -> None:
    """Carry a validated erasure out, dying at a point; end well where it is not passed."""
    with open_ledger(settings) as installation:
        step = die_at(point)
        announce(installation, step)
        erasure.erase(installation.services, account, administrator(installation), step=step)


def erase_when_told(settings: Settings, account: UUID, ready: Connection) -> None:
    """Say that it begins, and carry a validated erasure out."""
    with open_ledger(settings) as installation:
        ready.send(None)
        erasure.erase(installation.services, account, administrator(installation))


def keep_up(settings: Settings) -> None:
    """Do what upkeep does, in one round."""
    with open_ledger(settings) as installation:
        look_after(installation.services, installation.cursors)


def obey(installation: Installation, line: str) -> str:
    """Do what a line says; return what came of it in one line."""
    what, _, about = line.partition(" ")
    services = installation.services
    match what:
        case "withdraw":
            consenting.withdraw_consent(services, UUID(about), origin=Origin.RESIDENT)
            return "withdrawn"
        case "ingest":
            outcome = ingest_file(services, Keyring(keys=()), Path(about))
            return " ".join(f"{end}={count}" for end, count in sorted(outcome.counts.items()))
        case "erase":
            by = administrator(installation)
            erasure.validate(services, UUID(about), by)
            return f"erased {erasure.erase(services, UUID(about), by).leaf}"
        case _:
            return "what?"


def main() -> None:
    with open_ledger(read_settings(os.environ)) as installation:
        print("ready", flush=True)
        for line in sys.stdin:
            try:
                said = obey(installation, line.strip())
            except MetroledgerError as error:
                said = f"{type(error).__name__}"
            print(said, flush=True)


if __name__ == "__main__":
    main()
