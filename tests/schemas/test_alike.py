"""Bytes that are filled in are those that encoding gives."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.reading import IndexReceived, MaximumPowerReceived, Register
from domain.values import Direction
from schemas import canonical
from schemas.alike import NUMBER, REFERENCE, VALUE, Alike, alike
from schemas.packing import pack

AT = datetime(2026, 11, 23, 23, tzinfo=UTC)
TEXTS = st.sampled_from(["HP", "HC 100%", "é", 'q"', "FC000165", "\\", "%s", "%d"])
NUMBERS = st.integers(0, 10**14 - 1).map("{:014}".format)
REFERENCES = st.from_regex(r"[0-9A-Z]{4,8}", fullmatch=True)
VALUES = st.one_of(st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 10**15 - 1))


def index(number: str, reference: str, values: list[int], slots: list[str]) -> IndexReceived:
    return IndexReceived(
        number=number,
        at=AT,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=reference,
        registers=tuple(
            Register(
                grid="supplier",
                calendar="FC000165",
                slot=slot,
                rank=rank,
                value_wh=value,
                plausibility=0,
            )
            for rank, (slot, value) in enumerate(zip(slots, values, strict=True), 1)
        ),
    )


def power(number: str, reference: str, value: int) -> MaximumPowerReceived:
    return MaximumPowerReceived(
        number=number,
        day=date(2026, 11, 23),
        at=None,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=reference,
        power=value,
        unit="VA",
    )


def pattern_of(slots: list[str]) -> Alike:
    marks = [VALUE + place for place in range(len(slots))]
    found = alike(index(NUMBER, REFERENCE, marks, slots))
    assert found is not None
    return found


@given(NUMBERS, REFERENCES, st.lists(st.tuples(TEXTS, VALUES), min_size=1, max_size=14))
def test_an_index_filled_in_has_the_bytes_of_one_that_was_encoded(
    number: str, reference: str, said: list[tuple[str, int]]
) -> None:
    slots, values = [slot for slot, _ in said], [value for _, value in said]
    pattern, whole = pattern_of(slots), index(number, reference, values, slots)
    assert pattern.canonical(number, reference, values) == canonical.encode(whole)
    packed = pattern.packed(number, reference, values)
    assert packed == (None if max(values) > 2**32 - 1 else pack(whole))


@given(NUMBERS, REFERENCES, VALUES)
def test_so_has_a_maximum_power(number: str, reference: str, value: int) -> None:
    pattern = alike(power(NUMBER, REFERENCE, VALUE))
    assert pattern is not None
    whole = power(number, reference, value)
    assert pattern.packed(number, reference, [value]) == pack(whole)
    assert pattern.canonical(number, reference, [value]) == canonical.encode(whole)


@pytest.mark.parametrize(
    "sample",
    [
        index(NUMBER, "M02SXIXD", [VALUE], ["HP"]),
        index(NUMBER, REFERENCE, [VALUE, VALUE], ["HP", "HC"]),
        index(NUMBER, REFERENCE, [VALUE], [NUMBER]),
        index(NUMBER, REFERENCE, [VALUE], [str(VALUE)]),
        index(NUMBER, REFERENCE, [], []),
        power("00000000000000", REFERENCE, VALUE),
    ],
    ids=[
        "no reference",
        "a value twice",
        "a number twice",
        "a value in a text",
        "none",
        "no number",
    ],
)
def test_a_sample_whose_marks_are_not_each_there_once_makes_no_pattern(
    sample: IndexReceived | MaximumPowerReceived,
) -> None:
    assert alike(sample) is None
