"""A packed reading is the reading, whatever an operator sends, in few bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Register,
    Run,
)
from domain.values import Direction
from schemas import canonical
from schemas.packing import NotPackable, pack, unpack
from schemas.packing_words import KNOWN, PackedBroken
from schemas.registry import KIND_OF, READING_KINDS, UnknownReadingKind
from tests.schemas.readings import READINGS

MIDNIGHT = datetime(2026, 11, 23, 23, tzinfo=UTC)
DISTRIBUTOR = ("HCB", "HPB", "HCH", "HPH")
SUPPLIER = ("BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP")


def register(grid: str, calendar: str, slot: str, rank: int) -> Register:
    return Register(
        grid=grid,
        calendar=calendar,
        slot=slot,
        rank=rank,
        value_wh=9_744_495 + rank,
        plausibility=0,
    )


REGISTERS = (
    *(register("distributor", "DI000003", slot, n) for n, slot in enumerate(DISTRIBUTOR, 1)),
    *(register("supplier", "FC000171", slot, n) for n, slot in enumerate(SUPPLIER, 1)),
)


def index(
    *registers: Register, number: str = "09111642617347", at: datetime = MIDNIGHT
) -> IndexReceived:
    return IndexReceived(
        number=number,
        at=at,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference="M02SXIXD",
        registers=registers,
    )


INDEX = index(*REGISTERS)
POWER = MaximumPowerReceived(
    number="09111642617347",
    day=date(2026, 11, 23),
    at=MIDNIGHT - timedelta(hours=4),
    direction=Direction.CONSUMPTION,
    device=None,
    quality="raw",
    reference="M02SXIXD",
    power=3817,
    unit="VA",
)
GAS_DAY = IntervalReceived(
    number="09999999928289",
    start=datetime(2026, 11, 23, 5, tzinfo=UTC),
    end=datetime(2026, 11, 24, 5, tzinfo=UTC),
    direction=Direction.CONSUMPTION,
    device=None,
    quality="Mesuré",
    status="Provisoire",
    energy_wh=8_000,
    volume_dm3=1_000,
    coefficient="11.16",
    index_start_dm3=1_324_000,
    index_end_dm3=1_325_000,
)
CURVE = LoadCurveDayReceived(
    number="09111642617347",
    day=date(2026, 11, 24),
    direction=Direction.PRODUCTION,
    device="041876097767",
    quality="raw",
    reference=None,
    runs=(
        Run(start=MIDNIGHT, step_s=1800, power_w=(212, None, 36_000)),
        Run(start=MIDNIGHT + timedelta(minutes=90), step_s=600, power_w=(70_000, 0)),
    ),
)
GOLDEN: dict[str, tuple[Reading, str]] = {
    "index": (
        INDEX,
        (
            "010408497838b6036b04c57000017c334d925c85c3114c131b1a19186d7b0000"
            "ab2122232425260094b0700094b0710094b0720094b0730094b0700094b07100"
            "94b0720094b0730094b0740094b075"
        ),
    ),
    "interval": (
        GAS_DAY,
        "010009184e7187e16b03c8506b0519d00006098531312e3136fa1f40fa03e8fb001433e0fb001437c8",
    ),
    "curve": (
        CURVE,
        (
            "010108497838b603000b4a688c3034313837363039373736370100020a6b04c5"
            "70fa0708030200d48ca0046b04da88fa0258020001117000000000"
        ),
    ),
    "power": (
        POWER,
        "010008497838b603000b4a676b048d3000017c334d925c85c3fa0ee90d",
    ),
}


def kind_of(reading: Reading) -> int:
    return KIND_OF[type(reading)]


@given(READINGS)
def test_any_reading_unpacks_to_itself_and_to_its_canonical_bytes(reading: Reading) -> None:
    unpacked = unpack(kind_of(reading), pack(reading))
    assert unpacked == reading
    assert type(unpacked) is type(reading)
    assert canonical.encode(unpacked) == canonical.encode(reading)


@pytest.mark.parametrize("shape", GOLDEN)
def test_the_packed_bytes_of_each_shape_are_these_for_ever(shape: str) -> None:
    reading, golden = GOLDEN[shape]
    assert pack(reading).hex() == golden
    assert unpack(kind_of(reading), bytes.fromhex(golden)) == reading


def test_the_known_texts_keep_their_codes_and_leave_the_other_codes_free() -> None:
    assert len(set(KNOWN)) == len(KNOWN) <= 0x7B
    assert [KNOWN.index(text) for text in (None, "raw", "VA", "INCONNU", "BASE", "RHP", "D4")] == [
        *(0, 1, 13, 15, 21, 38, 53)
    ]


def test_a_row_of_ten_registers_takes_at_most_80_bytes() -> None:
    assert len(pack(INDEX)) <= 80


def test_a_maximum_power_takes_at_most_30_bytes() -> None:
    assert len(pack(POWER)) <= 30


@given(READINGS)
def test_bytes_cut_short_anywhere_are_broken(reading: Reading) -> None:
    packed = pack(reading)
    for length in range(len(packed)):
        with pytest.raises(PackedBroken):
            unpack(kind_of(reading), packed[:length])


@given(READINGS, st.binary(min_size=1, max_size=9))
def test_bytes_left_over_are_broken(reading: Reading, rest: bytes) -> None:
    with pytest.raises(PackedBroken):
        unpack(kind_of(reading), pack(reading) + rest)


@given(READINGS, st.data())
def test_altered_bytes_are_broken_or_another_reading_never_anything_else(
    reading: Reading, data: st.DataObject
) -> None:
    packed = bytearray(pack(reading))
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=4)):
        packed[place] = data.draw(st.integers(0, 255))
    kind = data.draw(st.sampled_from(sorted(READING_KINDS)))
    unpacks_to_a_reading_or_is_broken(kind, bytes(packed))


@given(st.sampled_from(sorted(READING_KINDS)), st.binary(max_size=60), st.booleans())
def test_garbage_is_broken_or_a_reading_never_anything_else(
    kind: int, garbage: bytes, begins_well: bool
) -> None:
    head = bytes([1, 0]) + pack(POWER)[2:12] if begins_well else b""
    unpacks_to_a_reading_or_is_broken(kind, head + garbage)


def unpacks_to_a_reading_or_is_broken(kind: int, packed: bytes) -> None:
    try:
        reading = unpack(kind, packed)
    except PackedBroken:
        return
    assert isinstance(reading, READING_KINDS[kind])
    assert unpack(kind, pack(reading)) == reading


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_broken(version: int) -> None:
    with pytest.raises(PackedBroken):
        unpack(1, bytes([version]) + pack(INDEX)[1:])


@pytest.mark.parametrize("bit", range(4, 8))
def test_a_bit_of_the_form_that_means_nothing_is_broken(bit: int) -> None:
    packed = bytearray(pack(INDEX))
    packed[1] |= 1 << bit
    with pytest.raises(PackedBroken):
        unpack(1, bytes(packed))


def test_a_count_that_no_memory_holds_is_broken_at_once() -> None:
    run = pack(CURVE).split(bytes([0xFA, 1800 >> 8, 1800 & 0xFF]))
    huge = bytes([0xFC]) + (1 << 62).to_bytes(8, "big")
    with pytest.raises(PackedBroken):
        unpack(3, run[0] + bytes([0xFA, 1800 >> 8, 1800 & 0xFF]) + huge + run[1][1:])


def test_the_kind_of_a_packed_reading_must_be_known() -> None:
    with pytest.raises(UnknownReadingKind):
        unpack(5, pack(INDEX))


@pytest.mark.parametrize(
    "reading",
    [
        index(at=datetime(2026, 11, 24, 0, tzinfo=timezone(timedelta(hours=1)))),
        index(at=datetime(2026, 11, 24, 0)),  # noqa: DTZ001 - naive on purpose
        index(number="\ud800"),
        index(register("total", "DI000001", "T", 1 << 63)),
    ],
    ids=["another offset", "no offset", "half a character", "65 bits"],
)
def test_what_cannot_come_back_is_not_packed(reading: Reading) -> None:
    with pytest.raises(NotPackable, match=r"IndexReceived\.v1"):
        pack(reading)


def test_shapes_remembered_do_not_mix_up_rows_that_differ_in_one_mark() -> None:
    rows = [
        index(*REGISTERS[:3], register("distributor", "DI000003", slot, rank))
        for slot, rank in (("HPH", 4), ("HPH", 5), ("HCH", 4), ("hph", 4))
    ]
    for row in rows * 2:
        assert unpack(1, pack(row)) == row
