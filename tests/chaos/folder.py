"""A folder in a process of its own that stops itself in the middle of a fold: a zombie.

    python -m tests.chaos.folder SEED

It folds for ever, and says of each batch from where to where it was `folded`, or that what it
had worked out was `stale`. Before it stops it says `asleep` and where it stands: somebody else
lets it go on. It stops between any two questions to log and database, and at times inside the
transaction that writes what was folded, where it holds the cursor's row.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Final

from adapters.postgres import store as stores
from adapters.postgres.store import PostgresFoldStore
from domain.errors import Unavailable
from ledger.fold import Folder
from metroledger.bootstrap import connect
from metroledger.log_opening import open_log
from metroledger.settings import read_identity, read_settings

if TYPE_CHECKING:
    from adapters.postgres.connections import Connection, Connections
    from ledger.store import Cursor, Folded

SLEEPY: Final = 0.2
"""How probably it stops at a place where it may."""

_REST_S: Final = 0.01


class Noting(PostgresFoldStore):
    """Says what came of each batch."""

    def __init__(self, connections: Connections, chance: Random) -> None:
        super().__init__(connections)
        self.chance = chance
        self.stands = 0
        self.slept = False

    def cursor(self) -> Cursor:
        found = super().cursor()
        self.stands = found.offset
        return found

    def commit(self, before: Cursor, folded: Folded) -> bool:
        try:
            swapped = super().commit(before, folded)
        except Unavailable:
            swapped = False  # the database would wait for us no longer
        say("folded" if swapped else "stale", before.offset, folded.cursor.offset)
        return swapped

    def fall_asleep(self, probably: float) -> None:
        """Stop here, perhaps, but once in a fold."""
        if not self.slept and self.chance.random() < probably:
            self.slept = True
            say("asleep", self.stands)
            os.kill(os.getpid(), signal.SIGSTOP)


def say(what: str, *numbers: int) -> None:
    print(what, *numbers, flush=True)


def fold(folder: Folder, store: Noting) -> None:
    """Fold a batch, falling asleep where it may, once the log was read."""
    store.slept = False
    try:
        for pause, _ in enumerate(folder.steps()):
            if pause:
                store.fall_asleep(SLEEPY)
    except Unavailable:
        return


def main(arguments: list[str]) -> None:
    settings, chance = read_settings(os.environ), Random(arguments[0])
    with connect(settings) as connections, open_log(settings, connections) as log:
        store = Noting(connections, chance)
        folder = Folder(log, store, read_identity(settings).origin)
        write = stores._write

        def write_later(connection: Connection, folded: Folded) -> None:
            store.fall_asleep(SLEEPY)
            write(connection, folded)

        stores._write = write_later
        say("ready")
        while True:
            fold(folder, store)
            time.sleep(_REST_S)


if __name__ == "__main__":
    main(sys.argv[1:])
