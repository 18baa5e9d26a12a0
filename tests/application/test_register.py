"""The public register is copied beside the fold, for whoever starts while the log is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.postgres.register import PostgresCopies
from application import past, register
from application.register import Register
from ledger.fold import Folder
from ledger.retrieval import RecordMissing
from ledger.simulated import SimulatedLog
from metroledger.bootstrap import connect
from tests.application.test_past import two_meters
from tests.application.world import ORIGIN

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation


def test_it_is_known_without_the_log_once_it_was_read(ledger: Installation) -> None:
    known = ledger.register.read()
    assert known.agreements
    assert known.texts
    nothing = Folder(SimulatedLog(), ledger.store, ORIGIN)
    with connect(ledger.settings) as connections:
        assert Register(nothing, PostgresCopies(connections)).read() == known
    with pytest.raises(RecordMissing):
        Register(nothing).read()


def test_a_copy_of_another_leaf_is_not_believed(ledger: Installation) -> None:
    known = ledger.register.read()
    first, second, *_ = ledger.store.register(0)
    with connect(ledger.settings) as connections:
        copies = PostgresCopies(connections)
        other = copies.find(second)
        assert other is not None
        copies.keep(first, *other)
        assert Register(ledger.ledger.folder, copies).read() == known
        assert copies.find(first) != other, "it was copied anew from the log"


def test_of_the_parts_asked_to_be_erased_the_last_are_listed_and_all_that_pend(
    ledger: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other, _ = two_meters(ledger, tmp_path)
    first = past.request(ledger.services, home.account, home.meter)
    last = past.request(ledger.services, home.account, other)
    whole = ledger.register.read()
    assert list(whole.asked) == list(whole.pending) == [first, last]
    monkeypatch.setattr(register, "ASKED_MAX", 1)
    bounded = Register(ledger.ledger.folder).read()
    assert list(bounded.asked) == [last]
    assert bounded.pending == whole.pending
