"""No second history is ever signed, also when the database is swapped while running."""

import os
import threading
import time
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from application.doctor import record
from application.doctor.finding import State
from application.publishing import check_published, publish_all
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


class Overtaken(MemoryFoldStore):
    """A store whose first answer is that of before: as when another process publishes meanwhile."""

    def __init__(self, before: MemoryFoldStore, after: MemoryFoldStore) -> None:
        super().__init__(**{one.name: getattr(after, one.name) for one in fields(after)})
        self._first: list[Cursor] = [before.cursor()]

    def cursor(self) -> Cursor:
        return self._first.pop() if self._first else super().cursor()


def test_a_publication_by_another_process_is_not_taken_for_an_older_database(
    tmp_path: Path,
) -> None:
    publisher = publisher_of(tmp_path)
    publish_all(publisher, after := folded("a", "b", "c"))
    assert check_published(publisher, Overtaken(folded("a"), after)).size == 3
    with pytest.raises(TreeBehind):
        check_published(publisher, folded("a"))


def test_a_tree_that_nobody_publishes_is_found_and_one_on_its_way_is_waited_for(
    tmp_path: Path,
) -> None:
    publisher, store = publisher_of(tmp_path), folded("a", "b")
    publish_all(publisher, folded("a"))
    old, young = timedelta(minutes=10), timedelta(seconds=1)
    left = record.checkpoint(publisher, store, old, patience_s=0.05)
    assert left.state is State.BROKEN
    assert left.says.startswith("1 leaves are not published")
    assert record.checkpoint(publisher, store, young).state is State.OK

    def publish_later() -> None:
        time.sleep(0.1)
        publish_all(publisher, store)

    (thread := threading.Thread(target=publish_later)).start()
    assert record.checkpoint(publisher, store, old).says == "it covers 2 leaves; 0 to come"
    thread.join()
