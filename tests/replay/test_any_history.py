"""Whatever honest history came before, an audit finds nothing; and then one forgery."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import record as records
from ledger.frames import key_id_of
from ledger.genesis import NoGenesis
from ledger.readings import key_ids
from replay.findings import Breach, Finding
from replay.report import audit_closed, audit_open
from schemas.private import decode_private
from tests.replay.forging import FIRST_DAY, Forger, Held, alter, alter_frame, curve, index
from tests.replay.histories import HISTORIES, History, live

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID


@given(HISTORIES)
@settings(deadline=None, max_examples=60)
def test_an_honest_history_is_covered_whole_closed_and_open(steps: list[tuple[str, int]]) -> None:
    history = live(steps)
    report = audit_open(history.forger.published(), history.forger.fetch)
    assert report.findings == []
    assert report.readings == report.covered == history.readings
    assert report.opened + report.erased == report.readings


def _deliver(history: History, held: Held, agreement: UUID | None, breach: Breach) -> Finding:
    leaf = history.forger.deliver(agreement, [(held, index(held))])
    return Finding(breach=breach, leaf=leaf, place=0)


def no_consent(history: History) -> Finding:
    forger = history.forger
    nobody = Held(forger.new_id(), "1" * 14, forger.new_key(), forger.new_key())
    return _deliver(history, nobody, history.agreements[-1], Breach.NO_CONSENT)


def after_ending(history: History) -> Finding:
    held, agreement = history.live.pop()
    history.forger.withdraw(held)
    return _deliver(history, held, agreement, Breach.AFTER_ENDING)


def other_category(history: History) -> Finding:
    held, agreement = history.live[-1]
    leaf = history.forger.deliver(agreement, [(held, index(held)), (held, curve(held))])
    return Finding(breach=Breach.OTHER_CATEGORY, leaf=leaf, place=1)


def after_last_day(history: History) -> Finding:
    agreement = history.agreements[-1]
    held = history.forger.grant(agreement, last_day=date(2026, 11, 24))
    return _deliver(history, held, agreement, Breach.AFTER_LAST_DAY)


def no_agreement(history: History) -> Finding:
    held, _ = history.live[-1]
    return _deliver(history, held, None, Breach.NO_AGREEMENT)


def agreement_ended(history: History) -> Finding:
    held, agreement = history.live[-1]
    history.forger.end_agreement(agreement)
    return _deliver(history, held, agreement, Breach.AGREEMENT_ENDED)


def other_operator(history: History) -> Finding:
    held, _ = history.live[-1]
    other = history.forger.sign(operator="grdf")
    leaf = history.forger.deliver(other, [(held, index(held))], operator="grdf")
    return Finding(breach=Breach.OTHER_OPERATOR, leaf=leaf, place=0)


def other_point(history: History) -> Finding:
    held, agreement = history.live[-1]
    leaf = history.forger.deliver(agreement, [(held, index(held, number="0" * 14))])
    return Finding(breach=Breach.OTHER_POINT, leaf=leaf, place=0)


def outside_perimeter(history: History) -> Finding:
    held, agreement = history.live[-1]
    rows = [(held, index(held)), (held, index(held, FIRST_DAY - timedelta(days=1)))]
    leaf = history.forger.deliver(agreement, rows)
    return Finding(breach=Breach.OUTSIDE_PERIMETER, leaf=leaf, place=1)


def key_lost(history: History) -> Finding:
    agreement = history.agreements[-1]
    held = history.forger.grant(agreement)
    finding = _deliver(history, held, agreement, Breach.KEY_LOST)
    history.forger.destroy([held.readings])
    return finding


FORGERIES = (
    no_consent,
    after_ending,
    other_category,
    after_last_day,
    no_agreement,
    agreement_ended,
    other_operator,
    other_point,
    outside_perimeter,
    key_lost,
)


@given(HISTORIES, st.sampled_from(FORGERIES))
@settings(deadline=None, max_examples=120)
def test_one_breach_after_any_history_is_the_one_finding(
    steps: list[tuple[str, int]], forgery: Callable[[History], Finding]
) -> None:
    history = live(steps)
    expected = forgery(history)
    report = audit_open(history.forger.published(), history.forger.fetch)
    assert report.findings == [expected]


def flip_private(forger: Forger, offset: int, chance: Random) -> None:
    def flip(frame: records.Frame) -> records.Frame:
        private = bytearray(frame.private)
        private[chance.randrange(len(private))] ^= 1 << chance.randrange(8)
        return replace(frame, private=bytes(private))

    alter(forger.log, offset, lambda record: alter_frame(record, 0, flip))


def flip_any_byte(forger: Forger, offset: int, chance: Random) -> None:
    record = bytearray(forger.log.records[offset])
    record[chance.randrange(len(record))] ^= 1 << chance.randrange(8)
    forger.log.records[offset] = bytes(record)


def drop(forger: Forger, offset: int, _: Random) -> None:
    del forger.log.records[offset]


def swap(forger: Forger, offset: int, chance: Random) -> None:
    other = chance.choice([at for at in range(1, len(forger.log.records)) if at != offset])
    log = forger.log.records
    log[offset], log[other] = log[other], log[offset]


@given(
    HISTORIES,
    st.sampled_from([flip_private, flip_any_byte, drop, swap]),
    st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=150)
def test_whatever_is_altered_after_publication_is_found(
    steps: list[tuple[str, int]],
    change: Callable[[Forger, int, Random], None],
    seed: int,
) -> None:
    """Any flipped bit of any record, the sealed parts of the erased aside."""
    forger, chance = live(steps).forger, Random(seed)
    subject = forger.published()
    offset = chance.randrange(1, len(forger.log.records))
    before = list(forger.log.records)
    change(forger, offset, chance)
    if _only_ciphertext_of_the_erased(before, forger):
        return
    report = audit_open(subject, forger.fetch)
    assert report.findings
    if change is flip_private:
        assert offset - 1 in {finding.leaf for finding in report.findings}


def _only_ciphertext_of_the_erased(before: list[bytes], forger: Forger) -> bool:
    """Whether what differs is sealed under a destroyed key, where nobody can tell."""
    if len(before) != len(forger.log.records):
        return False
    pairs = [(b, a) for b, a in zip(before, forger.log.records, strict=True) if b != a]
    if len(pairs) != 1:
        return False
    try:
        old, new = map(records.decode, pairs[0])
    except records.RecordMalformed:
        return False
    return _without_sealed(old) == _without_sealed(new) and any(
        event not in forger.keys for event in _keys(old)
    )


def _without_sealed(record: records.Record) -> object:
    return record.header_bytes, [
        (f.leaf, f.private, f.readings.leaves if f.readings else None) for f in record.frames
    ]


def _keys(record: records.Record) -> list[UUID]:

    ids = [key for frame in record.frames if (key := key_id_of(frame))]
    for frame in record.frames:
        if frame.readings is not None:
            ids += key_ids(frame.readings, decode_private(frame.private).extra)
    return ids


def test_the_log_of_another_ledger_is_refused() -> None:

    subject = replace(Forger().published(), origin="ledger.example.org/other")
    with pytest.raises(NoGenesis):
        audit_closed(subject)
