"""A process of its own that does as it is told, line by line, until it dies: for races and kills.

    python -m tests.scenarios.actor [METHOD-TO-DIE-AT]

With an argument it kills itself, as a power cut would, when it hears of that step: of an
erasure, or of the key store inside it. It says "ready", then one line for each line it is told.
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
from domain.aggregates.consent import Origin
from domain.errors import MetroledgerError
from keys.store import Options
from metroledger.bootstrap import open_ledger
from metroledger.cli.files import ingest_file
from metroledger.cli.offices import administrator
from metroledger.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from metroledger.bootstrap import Installation


def die_at(wanted: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def obey(installation: Installation, line: str, step: Callable[[str], None]) -> str:
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
            actor = administrator(installation)
            done = erasure.erase(services, UUID(about), actor, step=step)
            return f"erased {done.leaf}"
        case _:
            return "what?"


def main(arguments: list[str]) -> None:
    step = die_at(arguments[0] if arguments else "")
    with open_ledger(read_settings(os.environ)) as installation:
        installation.keys._options = Options(step=step)
        print("ready", flush=True)
        for line in sys.stdin:
            try:
                said = obey(installation, line.strip(), step)
            except MetroledgerError as error:
                said = f"{type(error).__name__}"
            print(said, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
