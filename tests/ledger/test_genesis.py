"""A log is folded only when it begins as expected, in a format and by a rule we know."""

import msgspec
import pytest

from ledger import record as records
from ledger.genesis import Genesis, NoGenesis, read_genesis
from ledger.record import Kind
from ledger.rule import UnknownRule
from schemas import canonical
from tests.ledger.builders import GENESIS, ORIGIN, barrier, plain


def altered(**changes: object) -> records.Record:
    genesis = read_genesis(records.decode(GENESIS), ORIGIN)
    note = canonical.encode(msgspec.structs.replace(genesis, **changes))
    return records.decode(plain(Kind.GENESIS, "genesis", note))


def test_a_genesis_states_format_rule_origin_and_limits() -> None:
    assert read_genesis(records.decode(GENESIS), ORIGIN) == Genesis(
        format=1,
        rule=1,
        origin=ORIGIN,
        created_at="2026-11-25T00:00:00Z",
        record_max=900_000,
        leaf_max=16_384,
    )


def test_the_genesis_of_another_ledger_is_refused() -> None:
    with pytest.raises(NoGenesis, match=r"the genesis of 'ledger\.example/test'"):
        read_genesis(records.decode(GENESIS), "ledger.example/other")


@pytest.mark.parametrize("note", [b"", b"{}", b"\xff", b'{"format":1}', b"[" * 5_000])
def test_a_genesis_that_does_not_parse_is_refused(note: bytes) -> None:
    with pytest.raises(NoGenesis, match="does not parse"):
        read_genesis(records.decode(plain(Kind.GENESIS, "genesis", note)), ORIGIN)


def test_another_kind_of_record_is_no_genesis() -> None:
    with pytest.raises(NoGenesis, match="another kind"):
        read_genesis(records.decode(barrier("c")), ORIGIN)


def test_a_genesis_that_asks_for_another_rule_stops_this_program() -> None:
    with pytest.raises(UnknownRule, match="version 2"):
        read_genesis(altered(rule=2), ORIGIN)


@pytest.mark.parametrize("changes", [{"format": 2}, {"record_max": 1_000_000}, {"leaf_max": 1}])
def test_a_genesis_of_another_format_or_other_limits_is_refused(
    changes: dict[str, int],
) -> None:
    with pytest.raises(NoGenesis, match="format or limits"):
        read_genesis(altered(**changes), ORIGIN)
