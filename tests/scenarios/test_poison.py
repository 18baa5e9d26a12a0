"""R9: bytes that a forger put into the log stop nobody, and no reader falls over them."""

from __future__ import annotations

import os
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from domain.aggregates import account
from ledger.fold import Folder
from ledger.genesis import NoGenesis, make_genesis
from ledger.memory import MemoryFoldStore
from ledger.record import Frame, Header, Kind, Write, assemble, encode_frame, encode_header
from ledger.rule import UnknownRule
from ledger.simulated import SimulatedLog
from schemas.leaf import LEAF_MAX, LeafBroken, decode_leaf
from tests.application.world import ORIGIN, SEED, closed, settle, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

DEEP = b'{"v":1,"payload":' + b'{"a":' * 2_500 + b"1" + b"}" * 2_500 + b"}"
POISON = {
    "bytes that are no UTF-8": b'{"v":1,"type":"\xe6"}',
    "a member's name that is no UTF-8": b'{"\xe6v":1}',
    "objects without end": DEEP,
    "arrays without end": b'{"v":1,"payload":{"a":' + b"[" * 8_000 + b"]" * 8_000 + b"}}",
    "half a surrogate": b'{"v":1,"type":"\\ud800"}',
    "a number without end": b'{"v":' + b"9" * 9_000 + b"}",
    "NUL": b"\0" * 40,
    "noise": Random(9).randbytes(LEAF_MAX),
}


def poisoned(leaf: bytes) -> bytes:
    """Return a commit whose form is right and whose one leaf is poison."""
    writes = (Write(os.urandom(16), 0, 1, 0),)
    header = Header(kind=Kind.COMMIT, command=os.urandom(16), writes=writes)
    frame = Frame(leaf=leaf, private=b"no private zone", sealed=b"nor this")
    return assemble(encode_header(header), [encode_frame(frame)])


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_leaf_is_said_to_be_broken(name: str) -> None:
    with pytest.raises(LeafBroken):
        decode_leaf(POISON[name])


def test_the_ledger_goes_on_over_poison_and_its_audit_names_each(
    ledger: Installation, tmp_path: Path
) -> None:
    """An unknown payload is accepted by the fold, shown by the audit, and blocks nobody."""
    before = ledger.store.cursor().size
    ledger.log.append([poisoned(leaf) for leaf in POISON.values()])
    ledger.log.append([os.urandom(99), b"", b"\0" * 20])
    home = settle(ledger, "09111642617347")
    (path,) = write_nights(tmp_path, town(SEED, 3), [date(2026, 3, 1)])
    take(ledger, path)
    assert ledger.ledger.load(account, home.account).version == 2
    report = closed(ledger)
    found = {finding.leaf for finding in report.findings}
    assert found == set(range(before, before + len(POISON)))
    assert report.voids == 3


def test_a_poisoned_change_of_rule_or_genesis_stops_with_its_reason() -> None:
    for note in (b'{"rule":"\xe6"}', b'{"rule":' + b"[" * 9_000, b"\0", b"{}"):
        rule = assemble(encode_header(Header(kind=Kind.RULE, command=os.urandom(16))), (), note)
        log = SimulatedLog(records=[make_genesis(ORIGIN, "2026-01-01T00:00:00Z"), rule])
        folder = Folder(log, MemoryFoldStore(), ORIGIN)
        folder.fold()
        with pytest.raises(UnknownRule):
            folder.fold()
        start = assemble(encode_header(Header(kind=Kind.GENESIS, command=bytes(16))), (), note)
        with pytest.raises(NoGenesis):
            Folder(SimulatedLog(records=[start]), MemoryFoldStore(), ORIGIN).fold()
