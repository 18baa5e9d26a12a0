"""What is altered, dropped, swapped, repeated or inserted in a log is found, and named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.events.agreement import AgreementEnded
from ledger import record as records
from ledger.record import Header, Kind, Read, Readings
from replay.findings import Breach, Finding
from replay.report import Report, audit_closed
from schemas.leaf import READING_LEAF_SIZE, rest_of
from tests.replay.forging import (
    Forger,
    Said,
    alter,
    alter_frame,
    index,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.record import Frame, Record
    from replay.report import Subject

RECORDS = 6
"""Of the log of `published`: genesis, agreement, two grants, two deliveries."""


@pytest.fixture
def forger() -> Forger:
    forger = Forger()
    agreement = forger.sign()
    one, two = forger.grant(agreement), forger.grant(agreement)
    forger.deliver(agreement, [(one, index(one)), (two, index(two))], as_of=[one.id, two.id])
    forger.deliver(agreement, [(two, index(two)), (one, index(one))], as_of=[one.id, two.id])
    return forger


@pytest.fixture
def published(forger: Forger) -> Subject:
    return forger.published()


def found(report: Report) -> set[tuple[Breach, int, int | None]]:
    return {(finding.breach, finding.leaf, finding.place) for finding in report.findings}


def test_the_untouched_log_is_in_order(published: Subject) -> None:
    assert audit_closed(published).passed


def test_an_altered_header_that_is_still_accepted_is_named(
    forger: Forger, published: Subject
) -> None:
    """Another command id, or a read left out: the fold cannot know, the leaf does."""

    def other_command(record: Record) -> Record:
        header = replace(record.header, command=bytes(16))
        return replace(record, header_bytes=records.encode_header(header))

    def fewer_reads(record: Record) -> Record:
        header = replace(record.header, reads=record.header.reads[1:])
        return replace(record, header_bytes=records.encode_header(header))

    for change in (other_command, fewer_reads):
        before = forger.log.records[4]
        alter(forger.log, 4, change)
        assert found(audit_closed(published)) == {(Breach.HEADER_ALTERED, 3, None)}
        forger.log.records[4] = before


def test_an_altered_header_that_is_now_void_leaves_a_gap(
    forger: Forger, published: Subject
) -> None:
    def other_version(record: Record) -> Record:
        first, *rest = record.header.reads
        reads = (Read(first.stream, first.version + 1), *rest)
        header = replace(record.header, reads=reads)
        return replace(record, header_bytes=records.encode_header(header))

    alter(forger.log, 4, other_version)
    report = audit_closed(published)
    assert report.voids == 1
    assert found(report) == {(Breach.LEAF_DIFFERS, 3, None), (Breach.LEAF_MISSING, 4, None)}


@pytest.mark.parametrize("offset", range(1, RECORDS))
@pytest.mark.parametrize("at", [1, 20, 33, 36, 60, 70])
def test_an_altered_private_zone_is_named(
    forger: Forger, published: Subject, offset: int, at: int
) -> None:
    """Whichever part of it: salt, stream, version, time, key, actor."""

    def flip(frame: Frame) -> Frame:
        private = bytearray(frame.private)
        private[at] ^= 1
        return replace(frame, private=bytes(private))

    alter(forger.log, offset, lambda record: alter_frame(record, 0, flip))
    assert (Breach.HEADER_ALTERED, offset - 1, None) in found(audit_closed(published))


def test_an_altered_leaf_is_named(forger: Forger, published: Subject) -> None:
    def later(frame: Frame) -> Frame:
        return replace(frame, leaf=frame.leaf.replace(b"2027-12-31", b"2029-12-31"))

    alter(forger.log, 2, lambda record: alter_frame(record, 0, later))
    assert found(audit_closed(published)) == {(Breach.LEAF_DIFFERS, 1, None)}


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_any_flipped_byte_of_a_leaf_is_found(forger: Forger, published: Subject, at: int) -> None:
    def flip(frame: Frame) -> Frame:
        leaf = bytearray(frame.leaf)
        leaf[at % len(leaf)] ^= 0x10
        return replace(frame, leaf=bytes(leaf))

    alter(forger.log, 4, lambda record: alter_frame(record, 0, flip))
    assert (Breach.LEAF_DIFFERS, 3, None) in found(audit_closed(published))


@pytest.mark.parametrize("offset", range(1, RECORDS))
def test_a_dropped_record_is_found(forger: Forger, published: Subject, offset: int) -> None:
    """At its leaf: another stands there, or none, for what read the dropped one is void."""
    del forger.log.records[offset]
    breaches = found(audit_closed(published))
    assert any(breach is Breach.LEAF_MISSING for breach, _, _ in breaches)
    assert (offset - 1, None) in {(leaf, place) for _, leaf, place in breaches}


@pytest.mark.parametrize("offset", range(1, RECORDS - 1))
def test_two_swapped_records_are_found(forger: Forger, published: Subject, offset: int) -> None:
    log = forger.log.records
    log[offset], log[offset + 1] = log[offset + 1], log[offset]
    (differs,) = {leaf for b, leaf, _ in found(audit_closed(published)) if b is Breach.LEAF_DIFFERS}
    assert differs in (offset - 1, offset)  # the second where the first, coming early, is void


@pytest.mark.parametrize("offset", range(1, RECORDS))
def test_a_record_that_is_repeated_is_void(forger: Forger, published: Subject, offset: int) -> None:
    forger.log.records.append(forger.log.records[offset])
    report = audit_closed(published)
    assert (report.passed, report.voids) == (True, 1)


def test_a_repeated_leaf_is_named_also_where_it_was_published(forger: Forger) -> None:
    """A forger puts a delivery's frame into a second commit; the private zone gives it away."""
    original = records.decode(forger.log.records[4])
    stream = forger.new_id().bytes
    frames = original.frames
    write = original.header.writes[0]._replace(stream=stream)
    header = records.encode_header(
        Header(kind=Kind.COMMIT, command=forger.chance.randbytes(16), writes=(write,))
    )
    leaf = forger.append(header, frames)
    assert found(audit_closed(forger.published())) == {
        (Breach.LEAF_REPEATED, leaf, None),
        (Breach.HEADER_ALTERED, leaf, None),
        (Breach.OTHER_STREAM, leaf, None),
    }


def test_an_inserted_record_is_found(forger: Forger, published: Subject) -> None:
    other = Forger(forger.chance)
    other.sign(operator="grdf")
    forger.log.records.insert(3, other.log.records[1])
    assert (Breach.LEAF_DIFFERS, 2, None) in found(audit_closed(published))


def test_a_published_checkpoint_of_another_history_is_found(published: Subject) -> None:
    checkpoint = replace(published.published, root=bytes(32))
    report = audit_closed(replace(published, published=checkpoint))
    assert found(report) == {(Breach.TREE_DIFFERS, 5, None)}


def readings_of(change: Callable[[Readings], Readings | None]) -> Callable[[Record], Record]:
    """Return how to change the readings of a delivery's record, its header kept fitting."""

    def altered(record: Record) -> Record:
        frame = record.frames[0]
        assert frame.readings is not None
        readings = change(frame.readings)
        held = len(readings) if readings else 0
        (write,) = record.header.writes
        header = replace(record.header, writes=(write._replace(events=1 + held),))
        altered = replace(record, header_bytes=records.encode_header(header))
        return alter_frame(altered, 0, lambda frame: replace(frame, readings=readings))

    return altered


def flip_leaf(readings: Readings) -> Readings:
    leaves = bytearray(readings.leaves)
    leaves[READING_LEAF_SIZE + 40] ^= 1
    return replace(readings, leaves=bytes(leaves))


def swap_leaves(readings: Readings) -> Readings:
    return Readings(
        leaves=readings.leaf(1) + readings.leaf(0), sealed=tuple(reversed(readings.sealed))
    )


@pytest.mark.parametrize("change", [flip_leaf, swap_leaves])
def test_altered_and_swapped_readings_are_named_at_their_delivery(
    forger: Forger, published: Subject, change: Callable[[Readings], Readings]
) -> None:
    alter(forger.log, 4, readings_of(change))
    assert found(audit_closed(published)) == {(Breach.READINGS_ALTERED, 3, None)}


def drop_last(readings: Readings) -> Readings:
    return Readings(leaves=readings.leaf(0), sealed=readings.sealed[:1])


def drop_all(_: Readings) -> None:
    return None


def repeat_first(readings: Readings) -> Readings:
    leaves = readings.leaf(0) + readings.leaf(1) + readings.leaf(0)
    return Readings(leaves=leaves, sealed=(*readings.sealed, readings.sealed[0]))


@pytest.mark.parametrize("change", [drop_last, drop_all, repeat_first])
def test_dropped_and_inserted_readings_are_named_at_their_delivery(
    forger: Forger, published: Subject, change: Callable[[Readings], Readings | None]
) -> None:
    alter(forger.log, 4, readings_of(change))
    breaches = found(audit_closed(published))
    assert {(Breach.READINGS_ALTERED, 3, None), (Breach.HEADER_ALTERED, 3, None)} <= breaches


def test_a_reading_twice_in_one_delivery_is_named_at_the_second(forger: Forger) -> None:
    """The forger's leaf counts both, and its root is over both."""
    agreement = next(iter(forger.cites))
    one = forger.grant(agreement)
    leaf = forger.deliver(agreement, [(one, index(one))], repeat=2)
    assert found(audit_closed(forger.published())) == {(Breach.LEAF_REPEATED, leaf, 1)}


def test_an_event_in_another_stream_than_the_header_writes_is_named(forger: Forger) -> None:
    """The writer bound the private zone that it wrote, so only the header tells."""
    agreement = next(iter(forger.cites))
    one, two = forger.new_id(), forger.new_id()
    said = [Said(one, AgreementEnded(reason="x")), Said(two, AgreementEnded(reason="y"))]
    leaf = forger.commit(*said, claims={two: agreement})
    assert found(audit_closed(forger.published())) == {(Breach.OTHER_STREAM, leaf + 1, None)}


def test_a_header_that_its_events_do_not_fit_is_named(forger: Forger) -> None:
    """An ending that the header does not mark would leave the stream open to the fold."""
    agreement = next(iter(forger.cites))
    held = forger.grant(agreement)
    leaf = forger.withdraw(held)
    record = records.decode(forger.log.records.pop())
    (write,) = record.header.writes
    header = records.encode_header(replace(record.header, writes=(write._replace(ends=0),)))
    digest = hashlib.sha256(header).digest()
    (frame,) = record.frames
    before = rest_of(hashlib.sha256(record.header_bytes).digest(), frame.private)
    rest = rest_of(digest, frame.private)
    frame = replace(frame, leaf=frame.leaf.replace(before.encode(), rest.encode()))
    forger.leaves -= 1
    forger.append(header, [frame])
    report = audit_closed(forger.published())
    assert report.findings == [Finding(breach=Breach.HEADER_MISFITS, leaf=leaf)]
