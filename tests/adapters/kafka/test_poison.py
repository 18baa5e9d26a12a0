"""What anybody else writes to the topic is void with its reason, and holds nobody up."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer
from typing_extensions import override

from ledger.fold import fold_batch, parse
from ledger.record import RECORD_MAX, RecordMalformed, decode
from ledger.rule import Rule, Void
from ledger.store import Cursor
from tests.adapters.kafka.ledger_at_work import AtWork, at_work, make_topic
from tests.ledger.builders import commit, name

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD_UP_S = 1.0
GOOD = commit("foreign", ("foreign", 0))
FORMS = {
    "bytes of another program": b'{"hello": "world"}',
    "nothing at all": b"",
    "a header that does not parse": (30).to_bytes(4, "big") + os.urandom(30),
    "a header longer than its record": (2**31).to_bytes(4, "big") + b"x",
    "a commit cut off": GOOD[:-1],
    "a commit and more": GOOD + b"\0",
    "larger than a record may be": bytes(RECORD_MAX + 1),
}


@pytest.fixture
def ledger(broker: str, topic: str) -> Iterator[AtWork]:
    with at_work(make_topic(broker, topic)) as ledger:
        yield ledger


class NoText(str):
    """A header's name whose bytes are no UTF-8."""

    __slots__ = ()

    @override
    def encode(self, *_: object) -> bytes:
        return b"\xe6"


def producer(ledger: AtWork, **settings: object) -> KafkaProducer:
    """Somebody else's producer."""
    return KafkaProducer(bootstrap_servers=list(ledger.place.servers), **settings)


def voids(ledger: AtWork) -> dict[int, Void]:
    """Fold the topic from its beginning; return which of its records are void, and why."""
    entries = ledger.log.read(0, bytes_max=64 << 20)
    assert [entry.offset for entry in entries] == list(range(ledger.log.end())), "no gap"
    _, found = fold_batch(Rule(), Cursor(), [parse(entry) for entry in entries], {}, {})
    return dict(found)


@pytest.mark.parametrize("form", FORMS)
def test_a_foreign_record_is_void_with_its_reason(ledger: AtWork, form: str) -> None:
    with pytest.raises(RecordMalformed) as why:
        decode(FORMS[form])
    assert why.value.why
    foreign = producer(ledger)
    offset = foreign.send(ledger.place.topic, FORMS[form], partition=0).get(10).offset
    foreign.close()
    assert ledger.write() < HELD_UP_S
    assert voids(ledger) == {offset: Void.MALFORMED}


def test_whatever_surrounds_a_record_is_passed_over(ledger: AtWork) -> None:
    """A tombstone, a key, header names that are no UTF-8, and compression change nothing."""
    foreign = producer(ledger, compression_type="gzip")
    topic = ledger.place.topic
    tombstone = foreign.send(topic, None, key=b"key", partition=0).get(10).offset
    foreign.send(topic, GOOD, key=b"key", headers=[("name", b"value")] * 200, partition=0).get(10)
    foreign.send(topic, commit("f2", ("foreign", 1)), headers=[(NoText(), b"")], partition=0).get(
        10
    )
    foreign.close()
    assert ledger.write() < HELD_UP_S
    assert voids(ledger) == {tombstone: Void.MALFORMED}
    assert ledger.store.all_heads[name("foreign")].version == 2


@pytest.mark.parametrize("ending", ["commit", "abort"])
def test_a_marker_of_a_transaction_is_void_and_its_records_are_judged_as_any(
    ledger: AtWork, ending: str
) -> None:
    """The rule is the order of the log: whether a foreign transaction was aborted is not in it."""
    foreign = producer(ledger, transactional_id=os.urandom(4).hex())
    foreign.init_transactions()
    foreign.begin_transaction()
    inside = foreign.send(ledger.place.topic, GOOD, partition=0).get(10).offset
    assert ledger.write() < HELD_UP_S, "a transaction that is open holds nobody up"
    marker = ledger.log.end()
    getattr(foreign, f"{ending}_transaction")()
    foreign.close()
    while ledger.log.end() == marker:
        time.sleep(0.01)
    assert ledger.log.read(marker)[0].record == b""
    ledger.folder.fold_through(marker)
    assert ledger.write() < HELD_UP_S
    assert voids(ledger) == {marker: Void.MALFORMED}
    assert inside < marker
