"""What the `FoldStore` port promises, held against every implementation.

The logs are those that schedules of the simulation left behind: accepted commits of
several streams among void, malformed, doubled and barred ones.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.fold import Folder
from ledger.log import Entry
from ledger.memory import MemoryFoldStore
from ledger.record import Frame, Header, Kind, Readings, Write
from ledger.rule import NO_STREAM, Fate, Head
from ledger.simulated import SimulatedLog
from ledger.store import Accepted, Cursor, Folded, FoldStore, ReadingRow
from tests.conformance.stores import STORES
from tests.ledger.builders import GENESIS, commit, name, record_of
from tests.ledger.builders import ORIGIN as BUILT
from tests.simulation.schedule import play
from tests.simulation.world import ORIGIN, ChoppyLog


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[FoldStore]:
    with STORES[request.param](request) as store:
        yield store


def answers_of(store: FoldStore, known: MemoryFoldStore) -> list[object]:
    """Ask a store everything, about all that `known` knows and about what nobody does."""
    streams, commands = [*known.all_heads, name("no stream")], [*known.all_fates, name("no one")]
    position, size = known.at.position, known.at.size
    return [
        store.cursor(),
        store.heads(streams),
        store.fates(commands),
        [store.accepted(command) for command in commands],
        store.accepted_of(commands),
        [list(store.segments(stream, after)) for stream in streams for after in (0, 1, 3)],
        [list(store.commits(start, limit)) for start in range(position + 3) for limit in (1, 100)],
        [list(store.commits_by_leaf(start, 100)) for start in range(size + 3)],
        [list(store.entries(start, size)) for start in range(size)],
        [list(store.readings(stream)) for stream in streams],
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_same_log_gives_the_same_answers(store: FoldStore, seed: int) -> None:
    world = play(seed)
    world.log.chance = None
    folder = Folder(world.log, store, ORIGIN)
    folder.fold_through(world.log.end() - 1)
    folder.check()
    assert answers_of(store, world.store) == answers_of(world.store, world.store)


def test_an_empty_store_knows_nothing(store: FoldStore) -> None:
    assert store.cursor() == Cursor()
    assert store.heads([]) == store.heads([name("a")]) == {}
    assert store.fates([]) == store.fates([name("c")]) == {}
    assert store.accepted(name("c")) is None
    assert store.accepted_of([]) == store.accepted_of([name("c")]) == {}
    for rows in (
        store.segments(name("a")),
        store.commits(0, 10),
        store.commits_by_leaf(0, 10),
        store.entries(0, 10),
        store.readings(name("consent")),
        store.register(0),
    ):
        assert list(rows) == []


@pytest.mark.parametrize("pauses", range(1, 5))
def test_a_zombie_folder_changes_nothing(store: FoldStore, pauses: int) -> None:
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0))])
    zombie = Folder(log, store, BUILT).steps()
    for _ in range(pauses):
        next(zombie)
    log.append([commit("d", ("a", 1), ("b", 0))])
    Folder(log, store, BUILT).fold_through(2)
    expected = MemoryFoldStore()
    Folder(log, expected, BUILT).fold_through(2)
    assert exhaust(zombie) is None
    assert answers_of(store, expected) == answers_of(expected, expected)


def exhaust(steps: Generator[None, None, Folded | None]) -> Folded | None:
    """Run steps to their end; return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return] # typed by the generator


def test_many_folders_at_once_fold_as_one_does(store: FoldStore) -> None:
    records = [GENESIS, *(commit(f"c{n}", ("a", n), (f"s{n}", 0)) for n in range(60))]
    expected = MemoryFoldStore()
    Folder(SimulatedLog(records=records), expected, BUILT).fold_through(60)

    def fold(limit: int) -> None:
        log = SmallPages(records=records)
        log.most = limit
        Folder(log, store, BUILT).fold_through(60)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fold, (1, 2, 3, 7)))
    assert answers_of(store, expected) == answers_of(expected, expected)


class SmallPages(ChoppyLog):
    """Gives at most `most` entries, so that folders meet within a batch's reach."""

    most = 1

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> list[Entry]:
        most = min(limit, self.most)
        return list(super(ChoppyLog, self).read(start, limit=most, bytes_max=bytes_max))


def test_a_stream_that_ended_is_kept_as_ended(store: FoldStore) -> None:
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0), ("b", 0), ends=("a",))])
    Folder(log, store, BUILT).fold_through(1)
    heads = store.heads([name("a"), name("b"), name("z")])
    assert heads == {name("a"): Head(1, ended=True), name("b"): Head(1, ended=False)}
    assert heads.get(name("z"), NO_STREAM) == Head(0, ended=False)


def test_the_most_frames_a_record_can_hold_are_folded(store: FoldStore) -> None:
    """Whoever may append must not be able to stop the fold with a well-formed record."""
    frames = (
        *(Frame(leaf=b"x", private=b"") for _ in range(50_000)),
        Frame(
            leaf=b"x",
            private=b"",
            readings=Readings(leaves=bytes(17) + name("mine") + bytes(32), sealed=(b"",)),
        ),
    )
    header = Header(kind=Kind.COMMIT, command=name("c"), writes=(Write(name("a"), 0, 50_002, 0),))
    log = SimulatedLog(records=[GENESIS, record_of(header, frames)])
    Folder(log, store, BUILT).fold_through(1)
    assert store.accepted(name("c")) == Accepted(name("c"), 1, 1, 50_002, 0, 50_001)
    assert store.fates([name("c")]) == {name("c"): Fate.ACCEPTED}
    assert list(store.readings(name("mine"))) == [ReadingRow(name("mine"), 1, 50_000, 0)]
