"""Strategies of every reading that the types allow, tidy or not."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Register,
    Run,
)
from domain.values import Direction
from schemas.packing_words import KNOWN

KNOWN_TEXTS = st.sampled_from([text for text in KNOWN if text is not None])
TEXTS = st.one_of(
    KNOWN_TEXTS,
    st.text(max_size=12),
    st.text(min_size=60, max_size=200),
    st.from_regex(r"FC[0-9]{6}", fullmatch=True),
    st.from_regex(r"[0-9A-Z]{4,8}", fullmatch=True),
    st.from_regex(r"[0-9A-Za-z+/=]{8}", fullmatch=True),
)
NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{14}", fullmatch=True), st.from_regex(r"\d{14}", fullmatch=True), TEXTS
)
INTEGERS = st.one_of(
    st.integers(0, 300),
    st.integers(0, 1 << 17),
    st.integers(0, 1 << 33),
    st.integers(-(2**53), 2**53),
    st.integers(-(2**63), 2**63 - 1),
)
MIDNIGHTS = st.integers(0, 40_000).map(lambda day: datetime.fromtimestamp(day * 86_400, tz=UTC))
INSTANTS = st.one_of(MIDNIGHTS, st.datetimes(timezones=st.just(UTC)))
DIRECTIONS = st.sampled_from(Direction)

REGISTERS = st.builds(
    Register,
    grid=st.one_of(st.sampled_from(["distributor", "supplier", "total"]), TEXTS),
    calendar=st.none() | TEXTS,
    slot=TEXTS,
    rank=st.one_of(st.none(), st.integers(1, 10), INTEGERS),
    value_wh=st.none() | INTEGERS,
    plausibility=st.one_of(st.none(), st.just(0), INTEGERS),
)
RUNS = st.builds(
    Run,
    start=INSTANTS,
    step_s=st.sampled_from([600, 1800, 3600]) | INTEGERS,
    power_w=st.lists(st.none() | INTEGERS, max_size=20).map(tuple),
)
INDEXES = st.builds(
    IndexReceived,
    number=NUMBERS,
    at=INSTANTS,
    direction=DIRECTIONS,
    device=st.none() | TEXTS,
    quality=TEXTS,
    reference=st.none() | TEXTS,
    registers=st.lists(REGISTERS, max_size=18).map(tuple),
)
INTERVALS = st.builds(
    IntervalReceived,
    number=NUMBERS,
    start=INSTANTS,
    end=INSTANTS,
    direction=DIRECTIONS,
    device=st.none() | TEXTS,
    quality=TEXTS,
    status=st.none() | TEXTS,
    energy_wh=st.none() | INTEGERS,
    volume_dm3=st.none() | INTEGERS,
    coefficient=st.none() | TEXTS,
    index_start_dm3=st.none() | INTEGERS,
    index_end_dm3=st.none() | INTEGERS,
)
CURVES = st.builds(
    LoadCurveDayReceived,
    number=NUMBERS,
    day=st.dates(),
    direction=DIRECTIONS,
    device=st.none() | TEXTS,
    quality=TEXTS,
    reference=st.none() | TEXTS,
    runs=st.lists(RUNS, max_size=4).map(tuple),
)
POWERS = st.builds(
    MaximumPowerReceived,
    number=NUMBERS,
    day=st.dates(),
    at=st.none() | INSTANTS,
    direction=DIRECTIONS,
    device=st.none() | TEXTS,
    quality=TEXTS,
    reference=st.none() | TEXTS,
    power=INTEGERS,
    unit=TEXTS,
)
READINGS = st.one_of(INDEXES, INTERVALS, CURVES, POWERS)
