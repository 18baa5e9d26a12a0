"""A process of its own that does as it is told, line by line, until it dies: for races and kills.

    python -m tests.scenarios.actor

It says "ready", then one line for each line it is told. `carry_out_until` is the same for whoever
forks: a work that kills its process, as a power cut would, when it hears of a point.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from adapters.dso.enedis.crypto import Keyring
from application import consenting, erasure, retention
from application.upkeep import look_after
from domain.aggregates.consent import Origin
from domain.errors import MetroledgerError
from keys.store import Options
from ledger.record import decode
from metroledger.bootstrap import administrator, now, open_ledger
from metroledger.cli.files import ingest_file
from metroledger.settings import read_settings
from schemas.leaf import decode_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection

    from ledger.store import Cursor
    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings

    Step = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a process carries out, saying its steps, and by which clock; it goes to that process."""

    carry_out: Callable[[Installation, Step], object]
    clock: Callable[[], datetime] = now


def erase(account: UUID, installation: Installation, step: Step) -> None:
    """Carry a validated erasure out."""
    erasure.erase(installation.services, account, administrator(installation), step=step)


def keep_to_periods(installation: Installation, step: Step) -> None:
    """Order what is past its period, and carry it out."""
    retention.keep_to_periods(installation.services, daily=True, step=step)


def die_at(wanted: str) -> Step:
    def step(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def counted(step: Step) -> Step:
    """Tell a point that is passed again apart: the second time it is "NAME (2)"."""
    passed: Counter[str] = Counter()

    def tell(name: str) -> None:
        passed[name] += 1
        step(name if passed[name] == 1 else f"{name} ({passed[name]})")

    return tell


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


def carry_out(installation: Installation, work: Work, step: Step) -> None:
    """Carry a work out, saying all that it passes, in its order."""
    step = counted(step)
    announce(installation, step)
    work.carry_out(installation, step)


def carry_out_until(settings: Settings, work: Work, point: str) -> None:
    """Carry a work out, dying at a point; end well where it is not passed."""
    with open_ledger(settings, clock=work.clock) as installation:
        carry_out(installation, work, die_at(point))


def carry_out_when_told(settings: Settings, work: Work, ready: Connection) -> None:
    """Say that it begins, and carry a work out."""
    with open_ledger(settings, clock=work.clock) as installation:
        ready.send(None)
        work.carry_out(installation, lambda _: None)


def keep_up(settings: Settings, work: Work) -> None:
    """Do what upkeep does, in one round, by the clock of a work."""
    with open_ledger(settings, clock=work.clock) as installation:
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
