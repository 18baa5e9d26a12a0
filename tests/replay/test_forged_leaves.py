"""A forger's leaf that only looks like ours is a finding at its place, and never a crash."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keys import sealing
from ledger import record as records
from ledger.frames import commitment_over, disclosures_of
from ledger.record import Frame
from replay.as_of import state_as_of
from replay.findings import Breach, Finding
from replay.report import Report, audit_closed, audit_open
from schemas import canonical
from schemas.leaf import decode_leaf, encode_leaf, rest_of
from schemas.private import Private, decode_private, encode_private
from tests.replay.forging import NOON, SYSTEM, Forger, index

if TYPE_CHECKING:
    from collections.abc import Callable

AGREEMENT: dict[str, Any] = {
    "operator": "enedis",
    "reference": "convention",
    "channels": ["sge"],
    "categories": ["daily_index"],
    "first_day": "2026-01-01",
    "last_day": "2027-12-31",
}
DELIVERY: dict[str, Any] = {
    "operator": "enedis",
    "channel": "sge",
    "flow": "R151",
    "part": 1,
    "parts": 1,
    "readings": 0,
    "root": "A" * 43,
    "counts": {},
}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
)


def both(forger: Forger) -> tuple[Report, Report]:
    subject = forger.published()
    return audit_closed(subject), audit_open(subject, forger.fetch)


@pytest.mark.parametrize(
    ("topic", "payload"), [("AgreementSigned.v1", AGREEMENT), ("DeliveryReceived.v1", DELIVERY)]
)
def test_a_payload_that_lacks_or_adds_a_member_is_named(
    topic: str, payload: dict[str, Any]
) -> None:
    forger = Forger()
    leaves = [
        forger.forge(topic, payload={k: v for k, v in payload.items() if k != name})
        for name in payload
    ]
    leaves.append(forger.forge(topic, payload={**payload, "name": "Homer"}))
    leaves.append(forger.forge(topic, payload={}))
    for report in both(forger):
        assert report.findings == [Finding(breach=Breach.UNREADABLE, leaf=leaf) for leaf in leaves]


TOPICS = (
    *("AgreementSigned.v1", "AgreementEnded.v1", "DeliveryReceived.v1", "DestructionOrdered.v1"),
    *(
        "AccountErased.v1",
        "AccountErased.v2",
        "ConsentGranted.v1",
        "ConsentExtended.v1",
        "ConsentWithdrawn.v1",
    ),
    *("IndexReceived.v1", "Odd.v1", ""),
)
NAMES = st.sampled_from([*AGREEMENT, *DELIVERY, "request", "keys"])
HOURS = ("2026-11-25T11Z", "", "2026-11-25T25Z", "0001-01-01T00Z", "9999-12-31T23Z")
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "payload": st.sampled_from([AGREEMENT, DELIVERY])
        | st.dictionaries(NAMES, VALUES, max_size=6),
        "commitment": st.text(max_size=44),
        "consent": st.uuids(),
        "cites": st.text(max_size=44),
        "category": st.sampled_from(["daily_index", "", "odd"]),
        "last_day": st.sampled_from(["2027-12-31", "", "9999-99-99", "20271231"]),
        "hour": st.sampled_from(HOURS),
    },
)


@given(topic=st.sampled_from(TOPICS), members=MEMBERS)
@example(topic="AgreementSigned.v1", members={"payload": AGREEMENT, "hour": HOURS[-1]})
@example(topic="DeliveryReceived.v1", members={"payload": DELIVERY, "hour": HOURS[2]})
@example(topic="ConsentWithdrawn.v1", members={"consent": UUID(int=3)})
@example(topic="ConsentGranted.v1", members={"consent": UUID(int=3), "commitment": "A" * 43})
@settings(deadline=None)
def test_no_leaf_whatever_it_says_stops_an_audit(topic: str, members: dict[str, Any]) -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement)
    forger.forge(topic, **members)
    forger.deliver(agreement, [(one, index(one))])
    for report in both(forger):
        assert report.readings == report.covered == 1  # what others wrote is judged all the same
        assert {finding.leaf for finding in report.findings} <= {2}
    assert state_as_of(forger.published(), 4).readings == 1


def test_an_unknown_type_is_named_and_the_rest_is_audited() -> None:
    forger = Forger()
    leaf = forger.forge("ConsentGranted.v2", commitment="A" * 43)
    for report in both(forger):
        assert report.findings == [Finding(breach=Breach.UNKNOWN_TYPE, leaf=leaf)]


def test_a_reading_as_a_leaf_of_the_main_tree_is_named() -> None:
    forger = Forger()
    leaf = forger.forge("IndexReceived.v1", commitment="A" * 43)
    assert both(forger)[0].findings == [Finding(breach=Breach.UNREADABLE, leaf=leaf)]


def rewrite_last(forger: Forger, change: Callable[[Frame, bytes], Frame]) -> None:
    """Replace the last record's frame, not published yet; `change` gets the header's digest."""
    record = records.decode(forger.log.records[-1])
    digest = hashlib.sha256(record.header_bytes).digest()
    frames = [records.encode_frame(change(frame, digest)) for frame in record.frames]
    forger.log.records[-1] = records.assemble(record.header_bytes, frames)


@pytest.mark.parametrize("leaf", [b"{}", b"[", b"\xff", b'{"v":1}', b" {}", b'{"v":2,"type":"x"}'])
def test_bytes_that_are_no_leaf_are_named_and_their_readings_counted_uncovered(leaf: bytes) -> None:
    forger = Forger()
    agreement = forger.sign()
    one = forger.grant(agreement)
    at = forger.deliver(agreement, [(one, index(one))])
    rewrite_last(forger, lambda frame, _: replace(frame, leaf=leaf))
    for report in both(forger):
        assert report.findings == [Finding(breach=Breach.UNREADABLE, leaf=at)]
        assert (report.readings, report.covered) == (1, 0)


@pytest.mark.parametrize(
    "private", [b"", b"\1", bytes(74), b"\1" + b"\x7f" * 200, b"\1" + b"\xff" * 73]
)
def test_bytes_that_are_no_private_zone_are_named(private: bytes) -> None:
    forger = Forger()
    forger.sign()
    forger.sign()

    def bound(frame: Frame, digest: bytes) -> Frame:
        leaf = decode_leaf(frame.leaf)
        fields = {name: getattr(leaf, name) for name in leaf.__struct_fields__}
        fields["rest"] = rest_of(digest, private)
        return replace(frame, leaf=encode_leaf(type(leaf)(**fields)), private=private)

    rewrite_last(forger, bound)
    for report in both(forger):
        assert report.findings == [Finding(breach=Breach.UNREADABLE, leaf=1)]


def test_a_time_beyond_the_calendar_is_no_private_zone() -> None:
    fine = encode_private(Private(bytes(16), SYSTEM.id, 1, NOON, SYSTEM.id, SYSTEM.role, SYSTEM.id))
    assert decode_private(fine).at == NOON
    forger = Forger()
    forger.sign()
    rewrite_last(
        forger, lambda frame, _: replace(frame, private=fine[:37] + b"\x7f" * 8 + fine[45:])
    )
    assert [f.breach for f in both(forger)[1].findings] == [Breach.UNREADABLE]


@pytest.mark.parametrize(
    "groups",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"withdrawal":1}',
        b'{"withdrawal":{}}',
        b'{"withdrawal":{"withdrawn_at":"never","origin":"resident"}}',
        b'{"withdrawal":{"withdrawn_at":"2026-11-25T11:00:00Z","origin":"resident"},"more":{}}',
    ],
)
def test_a_sealed_payload_that_says_something_else_is_named_with_keys(groups: bytes) -> None:
    """Well sealed, and committed to, by a forger who holds the key."""
    forger = Forger()
    one = forger.grant(forger.sign())
    at = forger.withdraw(one)

    def sealed(frame: Frame, _: bytes) -> Frame:
        leaf = decode_leaf(frame.leaf)
        fields = {name: getattr(leaf, name) for name in leaf.__struct_fields__}
        value = groups[len(b'{"withdrawal":') : -1]
        over = commitment_over(disclosures_of(one.evidence, leaf.event, {"withdrawal": value}))
        encoded = encode_leaf(type(leaf)(**{**fields, "commitment": canonical.b64(over)}))
        return replace(frame, leaf=encoded, sealed=sealing.seal(one.evidence, groups, encoded))

    rewrite_last(forger, sealed)
    closed, opened = both(forger)
    assert closed.passed
    assert opened.findings == [Finding(breach=Breach.UNREADABLE, leaf=at)]
