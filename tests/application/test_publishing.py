"""No second history is ever signed, also when the database is swapped while running."""

import os
from pathlib import Path

import pytest

from application.publishing import publish_all
from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from ledger.rule import Rule
from ledger.simulated import SimulatedLog
from ledger.store import Cursor
from proofs.publication import Publisher, TreeBehind, TreeForked
from proofs.signing import KeyKind, Signer
from tests.ledger.builders import GENESIS, ORIGIN, commit


def publisher_of(directory: Path) -> Publisher:
    signer = Signer(name=ORIGIN, kind=KeyKind.ED25519, seed=os.urandom(32))
    return Publisher(directory / "public", signer)


def folded(*commands: str) -> MemoryFoldStore:
    records = [GENESIS, *(commit(command, (command, 0)) for command in commands)]
    store = MemoryFoldStore()
    folder = Folder(SimulatedLog(records=records), store, ORIGIN, Rule())
    while folder.fold():
        pass
    return store


def test_what_was_folded_is_published(tmp_path: Path) -> None:
    publisher = publisher_of(tmp_path)
    publish_all(publisher, folded("a", "b"))
    published = publisher.published()
    assert published is not None
    assert published.checkpoint.size == 2


def test_an_older_database_put_in_its_place_is_found_before_an_answer(tmp_path: Path) -> None:
    publisher = publisher_of(tmp_path)
    publish_all(publisher, folded("a", "b", "c"))
    with pytest.raises(TreeBehind):
        publish_all(publisher, folded("a", "x"))


def test_another_history_of_the_same_size_is_found_before_an_answer(tmp_path: Path) -> None:
    publisher = publisher_of(tmp_path)
    publish_all(publisher, folded("a", "b"))
    with pytest.raises(TreeForked):
        publish_all(publisher, folded("a", "x"))


def test_whoever_reads_before_another_publishes_goes_on_with_what_is_there(tmp_path: Path) -> None:
    publisher, ahead = publisher_of(tmp_path), folded("a", "b", "c")
    publish_all(publisher, ahead)
    moments = iter([folded("a", "b").cursor(), ahead.cursor(), ahead.cursor()])

    class ReadEarly(MemoryFoldStore):
        def cursor(self) -> Cursor:
            return next(moments)

    publish_all(publisher, ReadEarly(all_leaves=ahead.all_leaves))
    assert next(moments, None) is None
