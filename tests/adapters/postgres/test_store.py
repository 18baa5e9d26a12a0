"""A folder that stands still while it holds the cursor is given up by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.postgres import store as stores
from adapters.postgres.connections import Connections, DatabaseUnavailable
from adapters.postgres.store import PostgresFoldStore
from ledger.fold import Folder
from ledger.simulated import SimulatedLog
from tests.ledger.builders import GENESIS, ORIGIN, commit

if TYPE_CHECKING:
    from adapters.postgres.connections import Connection
    from ledger.store import Folded


def test_a_folder_that_stands_still_in_its_commit_holds_up_no_other_for_long(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep, awake = Connections(database), Connections(f"{database} options='-c lock_timeout=9s'")
    asleep.create_tables()
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0))])
    write, other = stores._write, Folder(log, PostgresFoldStore(awake), ORIGIN)

    def write_late(connection: Connection, folded: Folded) -> None:
        monkeypatch.undo()
        other.fold_through(1)
        write(connection, folded)

    monkeypatch.setattr(stores, "_write", write_late)
    with pytest.raises(DatabaseUnavailable):
        Folder(log, PostgresFoldStore(asleep), ORIGIN).fold_through(1)
    assert other.store.cursor().offset == 2
    assert len(other.store.commits(0, 10)) == 1
    asleep.close()
    awake.close()
