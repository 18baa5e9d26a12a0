"""The state as of a tree size is what the leaves up to it show, whatever came after."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings

from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from proofs.merkle import leaf_hash, root
from replay.as_of import AsOf, NoSuchSize, state_as_of, states_as_of
from replay.rebuild import rebuild
from schemas.leaf import decode_leaf
from tests.replay.forging import ORIGIN, Forger, index
from tests.replay.histories import HISTORIES, live

ENDINGS = ("ConsentWithdrawn.v1", "ConsentExpired.v1")


def naive(forger: Forger, size: int) -> AsOf:
    """Read the first leaves the slow way: decode each, keep lists, hash the whole."""
    entry = forger.published().entry
    leaves = [entry(at) for at in range(size)]
    decoded = [decode_leaf(leaf) for leaf in leaves]
    grants = {
        leaf.consent: at for at, leaf in enumerate(decoded) if leaf.type == "ConsentGranted.v1"
    }
    ended = {leaf.consent: at for at, leaf in enumerate(decoded) if leaf.type in ENDINGS}
    signed = [at for at, leaf in enumerate(decoded) if leaf.type == "AgreementSigned.v1"]
    over = sum(leaf.type == "AgreementEnded.v1" for leaf in decoded)
    state = state_as_of(forger.published(), size)
    assert len(state.agreements_in_force) == len(signed) - over
    assert set(state.agreements_in_force) <= set(signed)
    return AsOf(
        size=size,
        root=root(map(leaf_hash, leaves)),
        hour=decoded[-1].hour if decoded else None,
        agreements_in_force=state.agreements_in_force,
        consents_live=tuple(at for consent, at in grants.items() if consent not in ended),
        consents_ended=tuple((at, ended[c]) for c, at in grants.items() if c in ended),
        readings=sum((leaf.payload or {}).get("readings", 0) for leaf in decoded),
    )


@given(HISTORIES)
@settings(deadline=None, max_examples=30)
def test_every_size_agrees_with_a_naive_fold_of_the_prefix(steps: list[tuple[str, int]]) -> None:
    forger = live(steps).forger
    subject = forger.published()
    states = list(states_as_of(subject, range(subject.published.size + 1)))
    assert states == [naive(forger, size) for size in range(subject.published.size + 1)]
    assert states[-1].root == subject.published.root


@given(HISTORIES)
@settings(deadline=None, max_examples=30)
def test_what_was_true_at_a_size_stays_true(steps: list[tuple[str, int]]) -> None:
    history = live(steps)
    subject = history.forger.published()
    sizes = range(subject.published.size + 1)
    before = list(states_as_of(subject, sizes))
    for name, seed in (("grant", 1), ("erase", 2), ("deliver", 3), ("end", 4)):
        history.step(name, Random(seed))
    assert list(states_as_of(history.forger.published(), sizes)) == before


def test_sizes_the_tree_never_had_are_refused() -> None:
    forger = Forger()
    forger.sign()
    for size in (-1, 2, 2**40):
        with pytest.raises(NoSuchSize, match="from 0 to 1") as refused:
            state_as_of(forger.published(), size)
        assert refused.value.asked == size


def test_the_lines_name_the_leaves() -> None:
    forger = Forger()
    agreement = forger.sign()
    one, two = forger.grant(agreement), forger.grant(agreement)
    forger.deliver(agreement, [(one, index(one)), (two, index(two))])
    forger.withdraw(one)
    lines = list(state_as_of(forger.published(), 5).lines())
    assert lines[0].endswith(forger.published().published.root.hex())
    assert lines[1:] == [
        "  last leaf's hour: 2026-11-25T11Z (a claim of the ledger until cosigned)",
        "  agreements signed and not ended: 1 (leaves 0)",
        "  consents granted and not ended:  1 (leaves 2)",
        "  consents ended: leaves 1 ended by 4",
        "  readings taken in: 2",
    ]
    assert list(state_as_of(forger.published(), 0).lines())[2:5] == [
        "  agreements signed and not ended: none",
        "  consents granted and not ended:  none",
        "  consents ended: none",
    ]


def folded(forger: Forger) -> MemoryFoldStore:
    store = MemoryFoldStore()
    Folder(forger.log, store, ORIGIN).fold_through(forger.log.end() - 1)
    return store


@given(HISTORIES)
@settings(deadline=None, max_examples=30)
def test_folding_again_leads_to_what_was_written(steps: list[tuple[str, int]]) -> None:
    forger = live(steps).forger
    forger.log.records.append(forger.log.records[-1])  # a duplicate, which is void
    store = folded(forger)
    result = rebuild(forger.log, store, ORIGIN)
    assert result.same
    assert result.streams == len(store.all_heads)
    assert next(iter(result.lines())) == "folded again from the beginning: the same"
    assert result.again.frontier.root() == store.cursor().frontier.root()


def test_a_head_a_leaf_or_a_record_that_differs_is_seen() -> None:
    forger = Forger()
    agreement = forger.sign()
    forger.grant(agreement)
    store = folded(forger)
    head = store.all_heads[agreement.bytes]
    store.all_heads[agreement.bytes] = head._replace(version=head.version + 1)
    result = rebuild(forger.log, store, ORIGIN)
    assert (result.same, result.heads_differ) == (False, 1)
    assert any("1 streams and 0 commands differ" in line for line in result.lines())
    store = folded(forger)
    del store.all_heads[agreement.bytes]
    assert not rebuild(forger.log, store, ORIGIN).same
    store = folded(forger)
    forger.log.records.pop()
    assert not rebuild(forger.log, store, ORIGIN).same
