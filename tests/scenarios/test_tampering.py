"""R17: whatever is altered in a log that was published is seen, and by whom is told apart."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from domain.errors import Corrupt
from ledger.record import Kind, decode
from ledger.simulated import SimulatedLog
from replay.rebuild import rebuild
from tests.application.world import ORIGIN
from tests.scenarios.tampering import (
    CLOSED,
    ERASED,
    OPEN,
    evidence_of,
    flip,
    flip_all,
    inhabit,
    mutations,
    overwrite,
    zones,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Place, Site
    from tests.scenarios.tampering import Evidence


@pytest.fixture(scope="module")
def inhabited(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Evidence]]:
    place = site.copy(founded)
    with place.open() as installation:
        inhabit(installation, tmp_path_factory.mktemp("nights"))
        found = evidence_of(installation)
    yield place, found
    site.drop(place)


@pytest.fixture(scope="module")
def evidence(inhabited: tuple[Place, Evidence]) -> Evidence:
    return inhabited[1]


def test_untouched_the_log_passes_both_audits(evidence: Evidence) -> None:
    closed, opened = evidence.closed(evidence.records), evidence.opened(evidence.records)
    assert closed.passed, closed.findings
    assert opened.passed, opened.findings
    assert (closed.readings, closed.covered) == (opened.opened + opened.erased,) * 2
    assert opened.erased > 0
    assert len(evidence.commits) >= 100
    kinds = {decode(record).header.kind for record in evidence.records}
    assert Kind.BARRIER in kinds, "a refusal is among them"


def test_every_flipped_byte_of_a_record_is_seen_but_the_ciphertext_of_the_erased(
    evidence: Evidence,
) -> None:
    """Without keys all but the ciphertext; with keys that too; nobody can tell of the erased's."""
    records = _hundred(evidence)[::4]
    done = flip_all(evidence, records, (Random(17).randrange(8),))
    assert done.unexpected == []
    seen_by = {who: sum(n for (_, by), n in done.made.items() if by == who) for who in _WHO}
    print(f"{done.made.total()} bytes of {len(records)} records flipped: {seen_by}")
    assert all(seen_by.values())


_WHO = (CLOSED, OPEN, ERASED)


def _hundred(evidence: Evidence) -> list[int]:
    """Return a hundred records: all that hold readings or sealed bytes of the erased, and more."""
    rare = [
        at
        for at in evidence.commits
        if any(zone == "sealed readings" for zone, _ in zones(evidence.records[at], frozenset()))
        or any(by == ERASED for _, by in zones(evidence.records[at], evidence.ordered))
    ]
    rest = [at for at in evidence.commits if at not in rare]
    return sorted((rare + rest)[:100])


def test_the_whole_audit_sees_what_the_record_alone_shows(evidence: Evidence) -> None:
    """A sample, one in some thousand: the full audits agree with the records' own digests."""
    chance = Random(18)
    for _ in range(40):
        number = chance.choice(evidence.commits)
        record = evidence.records[number]
        at = chance.randrange(len(record))
        zone, seen_by = list(zones(record, evidence.ordered))[at]
        altered = evidence.with_one(number, flip(record, at, chance.randrange(8)))
        closed, opened = evidence.closed(altered), evidence.opened(altered)
        where = f"byte {at} of record {number}: {zone}"
        assert closed.passed == (seen_by != CLOSED), where
        assert opened.passed == (seen_by == ERASED), where


def test_events_swapped_dropped_replayed_or_inserted_are_all_found(evidence: Evidence) -> None:
    forged = mutations(evidence, Random(19))
    kinds: dict[str, int] = {}
    for _ in range(120):
        what, records = next(forged)
        kinds[what] = kinds.get(what, 0) + 1
        assert not evidence.closed(records).passed, what
    print(kinds)
    assert len(kinds) >= 8


def test_a_record_replayed_as_it_is_is_void_and_changes_nothing(evidence: Evidence) -> None:
    """Its command was accepted: the same bytes again, anywhere later, are not an event."""
    before = evidence.closed(evidence.records)
    for at in Random(20).sample(evidence.commits, 10):
        records = [*evidence.records, evidence.records[at]]
        after = evidence.closed(records)
        assert after.passed
        assert (after.voids, after.size) == (before.voids + 1, before.size)


@pytest.mark.parametrize("kind", [Kind.GENESIS, Kind.BARRIER])
def test_a_flipped_byte_of_a_record_without_events_is_found_by_the_replay(
    inhabited: tuple[Place, Evidence], kind: Kind
) -> None:
    """They have no leaf, so no audit speaks of them; what they made of the state is compared."""
    place, evidence = inhabited
    kinds = [decode(record).header.kind for record in evidence.records]
    number = kinds.index(kind)
    with place.open() as installation:
        store = installation.store
        log = SimulatedLog(records=evidence.records)
        assert rebuild(log, store, ORIGIN).same
        for at in range(len(evidence.records[number])):
            flipped = flip(evidence.records[number], at, at % 8)
            log = SimulatedLog(records=evidence.with_one(number, flipped))
            try:
                same = rebuild(log, store, ORIGIN).same
            except Corrupt:
                same = False
            assert not same, at


@pytest.mark.chaos
def test_the_command_finds_what_was_altered_in_the_database(
    inhabited: tuple[Place, Evidence],
) -> None:
    """By its owner, past the trigger that keeps the log append-only."""
    place, evidence = inhabited
    forged = mutations(evidence, Random(21))
    for _ in range(6):
        what, records = next(forged)
        overwrite(place, records)
        said = place.run("audit")
        assert said.code == 1, (what, said)
        assert "BREACH" in said.out or "metroledger: " in said.err, (what, said)
    overwrite(place, evidence.records)
    said = place.run("audit")
    assert (said.code, said.err) == (0, "")
