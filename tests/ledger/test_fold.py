"""What a batch changes, and that it does not matter how a log is cut into batches."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fold import Folder, Parsed, fold_batch, needs, parse
from ledger.log import Entry
from ledger.memory import MemoryFoldStore
from ledger.record import Frame, Header, Kind, Write
from ledger.rule import Fate, Head, Rule, UnknownRule, Void
from ledger.simulated import SimulatedLog
from ledger.store import Accepted, ReadingRow, Segment
from proofs.merkle import leaf_hash, root
from tests.ledger.builders import (
    GENESIS,
    ORIGIN,
    barrier,
    commit,
    entries,
    frame,
    name,
    plain,
    record_of,
)

A_DELIVERY = record_of(
    Header(kind=Kind.COMMIT, command=name("deliver"), writes=(Write(name("d"), 0, 4, 1),)),
    (frame("noted"), frame("received", readings=2, consent="mine")),
)


def folded(log: Sequence[bytes], cuts: Sequence[int] = ()) -> MemoryFoldStore:
    """Fold a log into a fresh store in batches that end at `cuts`."""
    store = MemoryFoldStore()
    parsed = [parse(entry) for entry in entries(*log)]
    edges = [0, *sorted(set(cuts)), len(parsed)]
    for start, stop in pairwise(edges):
        if batch := parsed[start:stop]:
            fold_into(store, batch)
    return store


def fold_into(store: MemoryFoldStore, batch: Sequence[Parsed]) -> dict[int, Void]:
    before = store.cursor()
    streams, commands = needs(batch)
    result, voids = fold_batch(Rule(), before, batch, store.heads(streams), store.fates(commands))
    assert store.commit(before, result)
    return dict(voids)


def seen(store: MemoryFoldStore) -> tuple[object, ...]:
    """Everything a store knows, to compare."""
    return (
        store.at,
        store.all_heads,
        store.all_fates,
        store.all_accepted,
        store.by_command,
        store.by_stream,
        store.all_leaves,
        store.by_consent,
    )


_names = st.sampled_from(["a", "b", "c"])
_commits = st.builds(
    lambda command, writes, reads, ends, events: commit(
        command,
        *writes.items(),
        reads=tuple((s, v) for s, v in reads.items() if s not in writes),
        ends=tuple(ends),
        events=events,
    ),
    st.sampled_from("123456789"),
    st.dictionaries(_names, st.integers(0, 4), min_size=1, max_size=2),
    st.dictionaries(_names, st.integers(0, 4), max_size=2),
    st.sets(st.just("c"), max_size=1),
    st.integers(1, 2),
)
_anything = st.one_of(
    _commits,
    _commits,
    _commits,
    st.sampled_from("123456789").map(barrier),
    st.just(A_DELIVERY),
    st.just(GENESIS),
    st.binary(max_size=30),
)


@given(st.lists(_anything, max_size=30), st.lists(st.integers(0, 30), max_size=12))
def test_how_a_log_is_cut_into_batches_does_not_matter(log: list[bytes], cuts: list[int]) -> None:
    whole = seen(folded([GENESIS, *log]))
    assert seen(folded([GENESIS, *log], cuts)) == whole
    assert seen(folded([GENESIS, *log], range(len(log) + 1))) == whole


@given(st.lists(_anything, max_size=12), st.data())
def test_an_accepted_record_that_comes_again_changes_nothing(
    log: list[bytes], data: st.DataObject
) -> None:
    once = folded([GENESIS, *log])
    accepted = {commit.offset for commit in once.all_accepted}
    again: list[bytes] = []
    late: list[bytes] = []
    for offset, record in enumerate([GENESIS, *log]):
        again.append(record)
        if offset in accepted:
            late.extend([record] * data.draw(st.integers(0, 4)))
        while bool(late) & data.draw(st.booleans()):
            again.append(late.pop(data.draw(st.integers(0, len(late) - 1))))
    often = folded([*again, *late])
    assert often.at.frontier == once.at.frontier
    assert often.at.accepted == once.at.accepted
    assert (often.all_heads, often.all_fates) == (once.all_heads, once.all_fates)


@given(st.lists(_anything, max_size=20))
def test_positions_versions_and_leaves_have_no_gaps(log: list[bytes]) -> None:
    store = folded([GENESIS, *log])
    position, leaf = 1, 0
    for accepted in store.all_accepted:
        assert (accepted.position, accepted.leaf) == (position, leaf)
        position += accepted.events
        leaf += accepted.leaves
    assert (store.at.position, store.at.size) == (position - 1, leaf)
    assert store.at.frontier.root() == root(map(leaf_hash, store.all_leaves))
    for stream, segments in store.by_stream.items():
        version = 0
        for segment in segments:
            assert segment.first == version + 1
            version += segment.events
        assert store.all_heads[stream].version == version


def test_a_batch_changes_heads_fates_positions_leaves_and_the_cursor() -> None:
    store = folded([GENESIS, commit("open", ("a", 0), ("b", 0), ends=("b",)), A_DELIVERY])
    assert store.all_heads == {
        name("a"): Head(1, ended=False),
        name("b"): Head(1, ended=True),
        name("d"): Head(4, ended=True),
    }
    assert store.all_fates == {name("open"): Fate.ACCEPTED, name("deliver"): Fate.ACCEPTED}
    assert store.all_accepted == [
        Accepted(name("open"), offset=1, position=1, events=2, leaf=0, leaves=2),
        Accepted(name("deliver"), offset=2, position=3, events=4, leaf=2, leaves=2),
    ]
    assert store.segments(name("d")) == [Segment(name("d"), 1, 4, 2)]
    assert store.readings(name("mine")) == [
        ReadingRow(name("mine"), offset=2, frame=1, place=0),
        ReadingRow(name("mine"), offset=2, frame=1, place=1),
    ]
    assert store.all_leaves == [b"open 0", b"open 1", b"noted", b"received"]
    assert (store.at.offset, store.at.offset_last, store.at.rule) == (3, 2, 1)


def test_void_records_are_named_with_their_reason_and_leave_no_leaf() -> None:
    log = entries(
        GENESIS, b"", commit("c", ("a", 0)), commit("c", ("b", 0)), commit("d", ("a", 0)),
        barrier("e"), commit("e", ("b", 0)), GENESIS,
    )  # fmt: skip
    store = MemoryFoldStore()
    assert fold_into(store, [parse(entry) for entry in log]) == {
        1: Void.MALFORMED,
        3: Void.COMMAND_ACCEPTED,
        4: Void.VERSION_MOVED,
        6: Void.COMMAND_BARRED,
        7: Void.NOT_THE_FIRST,
    }
    assert store.all_leaves == [b"c 0"]
    assert store.at.offset == 8


def test_leaves_do_not_depend_on_where_records_lie() -> None:
    log = (commit("c", ("a", 0)), commit("d", ("a", 1)))
    plain_log = folded([GENESIS, *log])
    gappy = folded([GENESIS, b"noise", log[0], barrier("e"), log[0], log[1]])
    assert plain_log.at.frontier == gappy.at.frontier
    assert plain_log.at.accepted == gappy.at.accepted


def test_a_cut_stream_of_offsets_is_folded_where_it_lies() -> None:
    store = MemoryFoldStore()
    fold_into(store, [parse(Entry(40, GENESIS)), parse(Entry(50, commit("c", ("a", 0))))])
    assert (store.at.offset, store.at.offset_last) == (51, 50)


RULE_TWO = plain(Kind.RULE, "rule", b'{"rule":2}')


@pytest.mark.parametrize("note", [b'{"rule":2}', b"", b"{}", b"[]", b'{"rule":"1"}', b"\xff"])
def test_a_folder_stops_at_a_rule_it_does_not_know(note: bytes) -> None:
    log = SimulatedLog(records=[GENESIS, plain(Kind.RULE, "rule", note)])
    folder = Folder(log, MemoryFoldStore(), ORIGIN)
    assert folder.fold() == 1
    with pytest.raises(UnknownRule):
        folder.fold()


def test_all_that_lies_before_an_unknown_rule_is_folded_however_it_is_batched() -> None:
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0)), RULE_TWO, commit("d", ("b", 0))])
    store = MemoryFoldStore()
    folder = Folder(log, store, ORIGIN)
    with pytest.raises(UnknownRule, match="version 2"):
        folder.fold_through(3)
    assert store.all_leaves == [b"c 0"]
    assert store.at.offset == 2


def test_the_rule_it_follows_may_be_stated_again() -> None:
    stated = plain(Kind.RULE, "rule", b'{"rule":1}')
    store = MemoryFoldStore()
    log = SimulatedLog(records=[GENESIS, commit("c", ("a", 0)), stated, commit("d", ("a", 1))])
    Folder(log, store, ORIGIN).fold_through(3)
    assert store.all_leaves == [b"c 0", b"d 0"]
    assert store.all_fates[name("rule")] is Fate.ACCEPTED


def test_a_barred_command_can_never_be_accepted() -> None:
    store = folded([GENESIS, barrier("c"), commit("c", ("a", 0)), commit("d", ("a", 0))])
    assert store.all_fates == {name("c"): Fate.BARRED, name("d"): Fate.ACCEPTED}
    assert store.accepted(name("c")) is None


def test_a_long_leaf_and_an_empty_private_zone_fold() -> None:
    header = Header(kind=Kind.COMMIT, command=name("c"), writes=(Write(name("a"), 0, 1, 0),))
    leaf = bytes(16 * 1024)
    store = folded([GENESIS, record_of(header, (Frame(leaf=leaf, private=b""),))])
    assert store.all_leaves == [leaf]
