"""With keys the audit sees the point, the days, and what became of the keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.events.destruction import KeysDestroyed
from domain.values import Category, Direction, midnight
from ledger import record as records
from replay.findings import Breach, Finding
from replay.report import Report, audit_closed, audit_open
from schemas.leaf import decode_leaf
from tests.replay.forging import (
    FIRST_DAY,
    Forger,
    Held,
    Said,
    alter,
    alter_frame,
    curve,
    index,
    maximum,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.events.reading import Reading


def audit(forger: Forger) -> Report:
    return audit_open(forger.published(), forger.fetch)


@pytest.fixture
def forger() -> Forger:
    return Forger()


@pytest.fixture
def held(forger: Forger) -> Held:
    return forger.grant(forger.sign())


def deliver(forger: Forger, *rows: tuple[Held, Reading]) -> int:
    return forger.deliver(next(iter(forger.cites)), rows)


def test_an_honest_log_opens_whole(forger: Forger, held: Held) -> None:
    deliver(forger, (held, index(held)), (held, index(held, FIRST_DAY)))
    report = audit(forger)
    assert (report.mode, report.readings, report.opened, report.erased) == ("open", 2, 2, 0)
    assert report.passed


def test_a_reading_of_another_point_is_named(forger: Forger, held: Held) -> None:
    leaf = deliver(forger, (held, index(held)), (held, index(held, number="0" * 14)))
    report = audit(forger)
    assert report.findings == [Finding(breach=Breach.OTHER_POINT, leaf=leaf, place=1)]
    assert (report.covered, report.opened) == (2, 1)


def test_energy_fed_in_is_named(forger: Forger, held: Held) -> None:
    leaf = deliver(forger, (held, index(held, direction=Direction.PRODUCTION)))
    assert audit(forger).findings == [Finding(breach=Breach.OTHER_DIRECTION, leaf=leaf, place=0)]


SAID: dict[Category, Callable[[Held, date], Reading]] = {
    Category.DAILY_INDEX: index,
    Category.MAXIMUM_POWER: maximum,
    Category.LOAD_CURVE: curve,
}


@pytest.mark.parametrize("category", SAID)
def test_a_day_before_the_perimeter_is_named(forger: Forger, category: Category) -> None:
    agreement = forger.sign(categories=tuple(Category))
    held, said = forger.grant(agreement, category=category), SAID[category]
    days = (FIRST_DAY, FIRST_DAY - timedelta(days=1))
    leaf = forger.deliver(agreement, [(held, said(held, day)) for day in days])
    assert audit(forger).findings == [Finding(breach=Breach.OUTSIDE_PERIMETER, leaf=leaf, place=1)]
    assert audit_closed(forger.published()).passed


def test_the_second_before_the_perimeters_midnight_is_outside(forger: Forger, held: Held) -> None:
    early = midnight(FIRST_DAY) - timedelta(seconds=1)
    leaf = deliver(forger, (held, index(held)), (held, index(held, at=early)))
    assert audit(forger).findings == [Finding(breach=Breach.OUTSIDE_PERIMETER, leaf=leaf, place=1)]


def test_a_lost_key_without_an_order_is_named_wherever_it_is_missed(
    forger: Forger, held: Held
) -> None:
    leaf = deliver(forger, (held, index(held)))
    forger.destroy([held.readings])
    assert audit(forger).findings == [Finding(breach=Breach.KEY_LOST, leaf=leaf, place=0)]
    forger.destroy([held.evidence])
    assert audit(forger).findings == [
        Finding(breach=Breach.KEY_LOST, leaf=1),
        Finding(breach=Breach.KEY_LOST, leaf=leaf, place=0),
    ]


def test_keys_destroyed_on_order_leave_no_breach_and_are_counted(
    forger: Forger, held: Held
) -> None:
    other = forger.grant(next(iter(forger.cites)))
    deliver(forger, (held, index(held)), (other, index(other)))
    before = forger.published()
    forger.withdraw(held)
    forger.order([held.evidence, held.readings])
    forger.destroy([held.evidence, held.readings])
    report = audit(forger)
    assert report.passed
    assert (report.readings, report.covered, report.opened, report.erased) == (2, 2, 1, 1)
    roots = (before.published.root, replace(before, log=forger.log).published.root)
    assert roots[0] == roots[1]


def test_a_reading_whose_grant_is_erased_counts_as_erased_though_it_opens(
    forger: Forger, held: Held
) -> None:
    """Its point and perimeter cannot be told any more, so it must not count as opened."""
    deliver(forger, (held, index(held, number="0" * 14)))
    forger.order([held.evidence])
    forger.destroy([held.evidence])
    report = audit(forger)
    assert (report.opened, report.erased, report.findings) == (0, 1, [])


def test_an_order_that_its_leaf_belies_is_named_and_excuses_nothing(
    forger: Forger, held: Held
) -> None:
    leaf = deliver(forger, (held, index(held)))
    order = forger.order([held.readings])
    forger.destroy([held.readings])
    record = records.decode(forger.log.records.pop())
    forger.leaves -= 1
    (frame,) = record.frames
    two = replace(frame, leaf=frame.leaf.replace(b'"keys":1', b'"keys":2'))
    forger.append(record.header_bytes, [two])
    assert audit(forger).findings == [
        Finding(breach=Breach.ORDER_DIFFERS, leaf=order),
        Finding(breach=Breach.KEY_LOST, leaf=leaf, place=0),
    ]


def test_a_certified_key_that_still_opens_is_named(forger: Forger, held: Held) -> None:
    leaf = deliver(forger, (held, index(held)))
    order = forger.order([held.evidence, held.readings])
    assert audit(forger).passed, "an order that is being carried out is no breach"
    said = records.decode(forger.log.records[-1]).frames[0].leaf
    payload = decode_leaf(said).payload or {}
    certificate = KeysDestroyed(
        request=UUID(payload["request"]),
        keys=2,
        root=payload["root"],
        fingerprints="",
        stores=1,
        epoch=2,
        tree_size_before=3,
        tree_size_after=4,
        legal_basis="GDPR",
        not_reached=(),
        asked_as="resident",
        carried_out_as="system",
    )
    forger.commit(Said(certificate.request, certificate))
    assert order == leaf + 1
    assert audit(forger).findings == [
        Finding(breach=Breach.KEY_ALIVE, leaf=1),
        Finding(breach=Breach.KEY_ALIVE, leaf=leaf, place=0),
    ]
    forger.destroy([held.evidence, held.readings])
    assert audit(forger).passed


@pytest.mark.parametrize("at", [0, 1, 12, 13, 40, -1])
def test_an_altered_ciphertext_is_seen_only_with_keys(forger: Forger, held: Held, at: int) -> None:
    leaf = deliver(forger, (held, index(held)), (held, index(held)))
    subject = forger.published()

    def flip(sealed: bytes) -> bytes:
        changed = bytearray(sealed)
        changed[at] ^= 1
        return bytes(changed)

    def change(record: records.Record) -> records.Record:
        readings = record.frames[0].readings
        assert readings is not None
        sealed = (readings.sealed[0], flip(readings.sealed[1]))
        altered = replace(readings, sealed=sealed)
        return alter_frame(record, 0, lambda frame: replace(frame, readings=altered))

    alter(forger.log, 3, change)
    alter(
        forger.log,
        2,
        lambda record: alter_frame(record, 0, lambda f: replace(f, sealed=flip(f.sealed))),
    )
    assert audit_closed(subject).passed
    assert audit_open(subject, forger.fetch).findings == [
        Finding(breach=Breach.UNREADABLE, leaf=1),
        Finding(breach=Breach.UNREADABLE, leaf=leaf, place=1),
    ]


def test_two_swapped_ciphertexts_are_named_both(forger: Forger, held: Held) -> None:
    leaf = deliver(forger, (held, index(held)), (held, index(held)))
    subject = forger.published()

    def swap(record: records.Record) -> records.Record:
        readings = record.frames[0].readings
        assert readings is not None
        altered = replace(readings, sealed=readings.sealed[::-1])
        return alter_frame(record, 0, lambda frame: replace(frame, readings=altered))

    alter(forger.log, 3, swap)
    assert audit_open(subject, forger.fetch).findings == [
        Finding(breach=Breach.UNREADABLE, leaf=leaf, place=place) for place in (0, 1)
    ]


def test_a_delivery_without_its_key_ids_cannot_be_opened(forger: Forger, held: Held) -> None:
    leaf = deliver(forger, (held, index(held)))
    subject = forger.published()

    def cut(record: records.Record) -> records.Record:
        return alter_frame(record, 0, lambda frame: replace(frame, private=frame.private[:-16]))

    alter(forger.log, 3, cut)
    breaches = {(f.breach, f.leaf) for f in audit_open(subject, forger.fetch).findings}
    assert breaches == {(Breach.HEADER_ALTERED, leaf)}


def test_the_hour_of_a_day_long_ago_is_no_matter_to_the_open_audit(
    forger: Forger, held: Held
) -> None:
    forger.at = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    deliver(forger, (held, index(held, date(2026, 1, 1))))
    assert audit(forger).passed
