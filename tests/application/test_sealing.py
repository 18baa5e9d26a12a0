"""The bulk forms of sealing against one at a time: the same leaves, the same contents."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING
from unittest import mock
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from application.sealing import DeliveryFrame, propose_delivery
from application.services import new_id
from application.transact import Loading
from domain.aggregates import agreement, delivery
from domain.events import Change
from domain.events.delivery import DeliveryCompleted, DeliveryReceived
from domain.values import Channel
from keys import sealing
from keys.key import Key
from ledger.frames import open_event
from ledger.readings import (
    Row,
    commitment_of,
    open_reading,
    open_readings,
    row_of,
    seal_readings,
)
from ledger.record import decode
from proofs.merkle import EMPTY_ROOT
from schemas import canonical
from schemas.leaf import ReadingLeaf, decode_reading_leaf, encode_reading_leaf
from schemas.packing import pack, unpack
from tests.schemas.readings import READINGS

if TYPE_CHECKING:
    from domain.events.reading import Reading
    from metroledger.bootstrap import Installation

KEYS = [Key(UUID(int=n), bytes([n]) * 32) for n in range(1, 4)]
CONSENTS = [UUID(int=1000 + n) for n in range(3)]


def encodable(reading: Reading) -> bool:
    try:
        canonical.encode(reading)
    except ValueError:
        return False
    return True


ROWS = st.lists(
    st.builds(row_of, st.sampled_from(CONSENTS), st.sampled_from(KEYS), READINGS.filter(encodable)),
    max_size=4,
)


def said(row: Row) -> Reading:
    return unpack(row.kind, row.packed)


@given(ROWS)
def test_readings_sealed_at_once_have_the_leaves_they_have_one_at_a_time(rows: list[Row]) -> None:
    readings, ids = seal_readings(rows)
    assert len(readings) == len(rows)
    assert ids == b"".join(row.key.id.bytes for row in rows)
    for place, row in enumerate(rows):
        event = decode_reading_leaf(readings.leaf(place)).event
        alone = ReadingLeaf(
            row.kind,
            event,
            row.consent,
            commitment_of(row.key, event, said(row)),
        )
        assert readings.leaf(place) == encode_reading_leaf(alone)


@given(ROWS)
def test_what_was_sealed_at_once_opens_to_what_is_sealed_one_at_a_time(rows: list[Row]) -> None:
    readings, _ = seal_readings(rows)
    ids = [row.key.id for row in rows]
    keys = {key.id: key for key in KEYS}
    together = open_readings(readings, ids, range(len(rows)), keys, frozenset())
    for place, (row, opened) in enumerate(zip(rows, together, strict=True)):
        leaf = readings.leaf(place)
        alone = sealing.seal(row.key, pack(said(row)), leaf)
        assert sealing.open(row.key, readings.sealed[place], leaf) == pack(said(row))
        assert open_reading(row.key, decode_reading_leaf(leaf), leaf, alone) == said(row)
        assert opened.reading == said(row)


@given(ROWS.filter(bool))
def test_with_the_same_chance_the_sealed_bytes_are_the_same_too(rows: list[Row]) -> None:
    """The nonces alone differ between the two forms, and they are drawn, not derived."""
    with chance(7):
        readings, _ = seal_readings(rows)
    nonces = [sealed[1:13] for sealed in readings.sealed]
    for place, row in enumerate(rows):
        with mock.patch("keys.sealing.urandom", return_value=nonces[place]):
            alone = sealing.seal(row.key, pack(said(row)), readings.leaf(place))
        assert readings.sealed[place] == alone


def test_a_deliverys_record_has_the_bytes_that_the_one_write_path_gives(
    ledger: Installation,
) -> None:
    """`propose_delivery` is the bulk method of `Ledger.propose`: without readings they agree."""
    services, stream, command = ledger.services, new_id(), new_id()
    context = services.context()
    received = DeliveryReceived(
        cites=None,
        operator="enedis",
        channel=Channel.SGE,
        flow="R151",
        part=1,
        parts=1,
        readings=0,
        root=canonical.b64(EMPTY_ROOT),
        counts={"unknown_point": 2},
    )
    changes = [
        Change(stream=stream, event=received),
        Change(stream=stream, event=DeliveryCompleted(parts=1, rows=2)),
    ]
    records = []
    for bulk in (False, True):
        loading = Loading(services.ledger)
        loading(delivery, stream)
        for one in services.register.read().agreements:
            loading(agreement, one)
        with chance(11):
            if bulk:
                frame = DeliveryFrame(changes=changes, readings=None, key_ids=b"")
                made = propose_delivery(services.ledger, command, loading, frame, context)
            else:
                made = services.ledger.propose(command, loading, changes, context)
        records.append(made.record)
    assert records[0] == records[1]
    record = decode(records[0])
    digest = hashlib.sha256(record.header_bytes).digest()
    opened = [open_event(one, digest, {}, frozenset()).event for one in record.frames]
    assert opened == [change.event for change in changes]


class chance(ExitStack):  # noqa: N801 (used as a statement)
    """Within it, what is drawn from the system comes from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = Random(seed).randbytes
        self.enter_context(mock.patch.object(os, "urandom", draw))
        self.enter_context(mock.patch("keys.sealing.urandom", draw))
