"""Whole files: what the simulator sends is what the codec reads, and nothing else passes."""

import contextlib
import json
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters.dso.enedis.codec import describe, differences, read
from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring
from adapters.dso.enedis.file import R151Header
from adapters.dso.enedis.series import (
    DISTRIBUTOR,
    SimulatedMeter,
    index_wh,
    power_second,
    power_va,
    registers_wh,
    supplier_calendar,
    town,
)
from adapters.dso.enedis.simulator import Night, historic_csv, packed, r151, sent, stamps
from adapters.dso.refusal import FileRefused
from domain.events.reading import IndexReceived, MaximumPowerReceived, Reading, Register
from domain.values import Direction, civil_day, midnight, next_day

OLD = FileKey(
    name="until 2026-06-08", algorithm=Algorithm.AES_128_CBC, secret=bytes(16), iv=bytes(16)
)
NEW = FileKey(name="2026-06-09", algorithm=Algorithm.AES_256_CBC, secret=bytes(32))
RING = Keyring((NEW, OLD))
NIGHT = Night(seed=7, day=date(2026, 6, 10), meters=town(7, 8))
NAME, CONTENT = sent(NIGHT, NEW)
HISTORY = historic_csv(7, NIGHT.meters[0], date(2026, 1, 1), date(2026, 4, 1))

days = st.dates(date(2020, 2, 1), date(2029, 12, 1))


def registers(meter: SimulatedMeter, total: int) -> tuple[Register, ...]:
    """What the simulator's formulas say that a meter's registers are."""
    own, _, own_slots = DISTRIBUTOR[meter.distributor]
    other, _, other_slots = supplier_calendar(meter)
    grids = (("distributor", own, own_slots), ("supplier", other, other_slots))
    return tuple(
        Register(
            grid=grid, calendar=calendar, slot=slot, rank=n + 1, value_wh=value, plausibility=0
        )
        for grid, calendar, slots in grids
        for n, (slot, value) in enumerate(zip(slots, registers_wh(total, len(slots)), strict=True))
    )


def oracle(night: Night) -> list[Reading]:
    """The readings of a night, from the formulas alone."""
    found: list[Reading] = []
    for meter in night.meters:
        for day in (*night.late.get(meter.number, ()), night.day):
            if day == night.day and meter.number in night.blank:
                continue
            same: dict[str, Any] = {
                "number": meter.number,
                "direction": Direction.CONSUMPTION,
                "device": None,
                "quality": "raw",
                "reference": meter.reference,
            }
            total = index_wh(night.seed, meter.number, next_day(day))
            found.append(
                IndexReceived(at=midnight(next_day(day)), registers=registers(meter, total), **same)
            )
            if night.powers:
                power = power_va(night.seed, meter.number, day)
                found.append(
                    MaximumPowerReceived(
                        day=day, at=None, power=power, unit=night.power_unit, **same
                    )
                )
    return found


@st.composite
def nights(draw: st.DrawFn) -> Night:
    seed = draw(st.integers(0, 1_000))
    meters = town(seed, draw(st.integers(1, 12)))
    day = draw(days)
    numbers = st.sampled_from([meter.number for meter in meters])
    return Night(
        seed=seed,
        day=day,
        meters=meters,
        blank=frozenset(draw(st.sets(numbers))),
        late={
            number: tuple(day - timedelta(days=n) for n in (3, 2))
            for number in draw(st.sets(numbers))
        },
        powers=draw(st.booleans()),
        power_unit=draw(st.sampled_from(["VA", "W"])),
    )


@given(nights(), st.sampled_from([None, OLD, NEW]))
def test_what_is_sent_is_what_is_read(night: Night, key: FileKey | None) -> None:
    file = read(*sent(night, key), RING)
    assert [row.reading for row in file.document.rows] == oracle(night)
    assert [row.position for row in file.document.rows] == list(range(len(file.document.rows)))
    assert all(row.number == row.reading.number for row in file.document.rows)
    assert file.document.counts.blank == len(night.blank)
    assert file.document.counts.points == len(night.meters)
    assert (file.name, file.key) == (night.name, key.name if key else None)
    assert differences(file) == ()
    header = file.document.header
    assert isinstance(header, R151Header)
    assert header.created_at == night.created


@given(st.integers(0, 1_000), days, st.integers(1, 400), st.integers(0, 30))
@settings(max_examples=40)
def test_a_history_reads_back_as_its_formulas(
    seed: int, first: date, length: int, blank: int
) -> None:
    meter = town(seed, 1)[0]
    last, opened = first + timedelta(days=length), first + timedelta(days=1 + blank)
    name = "Enedis_SGE_HDM_A06NW10D.csv"
    file = read(name, historic_csv(seed, meter, first, last, activated=opened), Keyring())
    indexes = [r.reading for r in file.document.rows if isinstance(r.reading, IndexReceived)]
    powers = [r.reading for r in file.document.rows if isinstance(r.reading, MaximumPowerReceived)]
    wanted = [opened + timedelta(days=n) for n in range((last - opened).days + 1)]
    written = [day for day in wanted if stamps(day)]
    assert [reading.at for reading in indexes] == [midnight(day) for day in written]
    for day, reading in zip(written[1:], indexes[1:], strict=True):
        total = index_wh(seed, meter.number, day)
        *grids, whole = reading.registers
        assert (whole.grid, whole.value_wh) == ("total", total)
        plain = [
            Register(
                grid=r.grid,
                calendar=r.calendar,
                slot=r.slot,
                rank=r.rank,
                value_wh=r.value_wh,
                plausibility=0,
            )
            for r in grids
        ]
        assert tuple(plain) == registers(meter, total)
    assert [reading.power for reading in powers] == [
        power_va(seed, meter.number, day) for day in wanted if day < last
    ]
    assert all(civil_day(reading.at or midnight(reading.day)) == reading.day for reading in powers)


@given(st.integers(0, 100), st.integers(0, 50), days)
def test_simulated_indexes_rise_every_day(seed: int, at: int, day: date) -> None:
    meter = town(seed, at + 1)[at]
    before, after = (index_wh(seed, meter.number, d) for d in (day, next_day(day)))
    assert 0 < after - before < 60_000
    for count in range(1, 11):
        split = [registers_wh(total, count) for total in (before, after)]
        assert [sum(shares) for shares in split] == [before, after]
        assert all(low <= high for low, high in zip(*split, strict=True))


def test_simulated_numbers_are_fourteen_digits_and_each_its_own() -> None:
    numbers = [meter.number for meter in town(1, 3_000)]
    assert len(set(numbers)) == 3_000
    assert all(len(number) == 14 and number.startswith("00") for number in numbers)
    assert 0 <= power_second(1, numbers[0], NIGHT.day) < 86_400


def test_a_real_file_is_read_whatever_its_name(shared: Path) -> None:
    real = shared / "data/enedis-sge/CommandeCollectePublicationMesures/C5-IDX/R151.xml"
    content = real.read_bytes()
    name = "ERDF_R151_2617347_2617347_3184182_00001_Q_00001_00001_20220204030726"
    plain = read("R151.xml", content, Keyring())
    wrapped = read(f"{name}.zip", packed(f"{name}.xml", content), Keyring())
    assert plain.name is None
    assert plain.document == wrapped.document
    other = read(f"{name.replace('3184182', '1')}.xml", content, Keyring())
    assert differences(other) == ("subscription",)


def test_a_renamed_file_is_known_by_the_name_within() -> None:
    assert read("copy of a file.zip", CONTENT, RING).name == NIGHT.name


def test_a_description_is_json_and_has_a_line_for_each_reading() -> None:
    lines = [json.loads(json.dumps(line)) for line in describe(read(NAME, CONTENT, RING))]
    assert lines[0]["flow"] == "R151"
    assert lines[0]["readings"] == len(lines) - 1 == 16
    assert lines[0]["key"] == "2026-06-09"
    assert lines[1]["type"] == "IndexReceived.v1"
    assert lines[1]["at"] == "2026-06-10T22:00:00Z"
    assert lines[2]["type"] == "MaximumPowerReceived.v1"
    history = read("x.csv", historic_csv(7, NIGHT.meters[0], date(2026, 1, 1), NIGHT.day), RING)
    assert json.loads(json.dumps(next(describe(history))))["header"]["blocks"][0]["kind"] == "Index"


REFUSED = {
    "no byte": (NAME, b"", "empty"),
    "the wrong key": (NAME, sent(NIGHT, replace(NEW, secret=b"x" * 32))[1], "no_key_fits"),
    "noise": (NAME, os.urandom(4_096), "no_key_fits"),
    "noise of odd length": (NAME, b"\x00" * 4_097, "truncated_cipher"),
    "an encrypted file cut in a block": (NAME, CONTENT[:-5], "truncated_cipher"),
    "an encrypted file cut between blocks": (NAME, CONTENT[:-16], "truncated_cipher"),
    "an encrypted file with more behind": (NAME, CONTENT + bytes(16), "truncated_cipher"),
    "a plain zip cut": (NAME, sent(NIGHT)[1][:-30], "truncated_zip"),
    "a zip in a zip": (NAME, packed("a.zip", sent(NIGHT)[1]), "entry_name"),
    "a zip of another name": (NAME, packed("R151.xml", r151(NIGHT)), "entry_name"),
    "two unknown names": ("b.zip", packed("a.xml", r151(NIGHT)), "entry_name"),
    "an empty document": ("a.zip", packed("a.xml", b""), "empty"),
    "an empty table": ("a.zip", packed("a.csv", b""), "empty"),
    "a table called XML": (
        "a.zip",
        packed("a.xml", historic_csv(1, NIGHT.meters[0], NIGHT.day, NIGHT.day)),
        "xml",
    ),
    "XML called a table": ("a.zip", packed("a.csv", r151(NIGHT)), "schema"),
    "a history named R151": (
        NAME,
        historic_csv(1, NIGHT.meters[0], NIGHT.day, next_day(NIGHT.day)),
        "name",
    ),
    "an R151 named a history": ("Enedis_SGE_HDM_A06NW10D.csv", r151(NIGHT), "name"),
    "another flow": (NAME, b"<?xml version='1.0'?><R50></R50>", "not_r151"),
    "a page of an error": (NAME, b"<!DOCTYPE html><html></html>", "entity"),
    "more than any file": (NAME, bytes(48_000_001), "too_large"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_file_is_refused_with_its_code(what: str) -> None:
    name, content, code = REFUSED[what]
    with pytest.raises(FileRefused, match="the file is parked") as refused:
        read(name, content, RING)
    assert refused.value.code == code
    assert refused.value.status == 400


@given(st.integers(16, len(CONTENT) // 16 - 1), st.binary(min_size=16, max_size=16))
def test_an_altered_ciphertext_never_gives_other_readings(block: int, noise: bytes) -> None:
    altered = CONTENT[: block * 16] + noise + CONTENT[(block + 1) * 16 :]
    if altered == CONTENT:
        return
    with pytest.raises(FileRefused):
        read(NAME, altered, RING)


@given(st.binary(max_size=300), st.sampled_from([b"", b"<R151>", b"<?xml", b"PK\x03\x04", b"Iden"]))
def test_arbitrary_bytes_raise_nothing_but_refusals(noise: bytes, start: bytes) -> None:
    with pytest.raises(FileRefused):
        read(NAME, start + noise, RING)


@given(st.data())
def test_a_document_altered_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from([r151(NIGHT), HISTORY]))
    at = data.draw(st.integers(0, len(document) - 1))
    new = data.draw(st.binary(max_size=4))
    altered = document[:at] + new + document[at + data.draw(st.integers(0, 4)) :]
    with contextlib.suppress(FileRefused):
        assert read("a.xml", altered, RING).document.counts.points
