"""What is missing follows from what came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from application.arrivals import (
    PATIENCE,
    Alarm,
    Arrival,
    Slot,
    State,
    Trouble,
    alarms,
    missing_deliveries,
    missing_parts,
)

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
LONG_AGO = NOW - PATIENCE - timedelta(minutes=1)
UNOPENED = frozenset({"no_key_fits"})


def slot(sequence: int, part: int = 1, parts: int = 1, made: str | None = None) -> Slot:
    stamp = made or f"202606{sequence:02}030700"
    return Slot(
        flow="R151", subscription="1", made=stamp, sequence=sequence, part=part, parts=parts
    )


def arrival(
    place: Slot | None, state: State = State.TAKEN_IN, reason: str | None = None
) -> Arrival:
    return Arrival(
        id=UUID(int=hash((place, state, reason)) & (1 << 127)),
        operator="enedis",
        slot=place,
        delivery=UUID(int=1),
        size_bytes=1,
        at=LONG_AGO,
        state=state,
        reason=reason,
    )


def spread(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(parts=st.integers(1, 60), data=st.data())
def test_the_parts_that_are_missing_are_those_that_did_not_come(
    parts: int, data: st.DataObject
) -> None:
    came = data.draw(st.sets(st.integers(1, parts), min_size=1))
    told = missing_parts(slot(1, part, parts) for part in came)
    assert spread(told) == set(range(1, parts + 1)) - came


@given(start=st.integers(0, 99_900), lost=st.sets(st.integers(1, 58)))
def test_every_lost_number_between_two_that_came_is_told_and_no_other(
    start: int, lost: set[int]
) -> None:
    came = [start + n for n in range(60) if n not in lost]
    assert spread(missing_deliveries(came)) == {start + n for n in lost}


@given(lost=st.sets(st.integers(1, 28), min_size=1), data=st.data())
def test_a_gap_closes_when_the_late_ones_come_in_whatever_order(
    lost: set[int], data: st.DataObject
) -> None:
    came = [n for n in range(30) if n not in lost]
    late = data.draw(st.permutations(sorted(lost)))
    assert missing_deliveries([*came, *late]) == ()
    assert spread(missing_deliveries([*came, *late[1:]])) == {late[0]}


@given(first=st.integers(1, 40), second=st.integers(1, 40))
def test_a_counter_that_starts_again_leaves_no_gap(first: int, second: int) -> None:
    assert missing_deliveries([*range(1, first + 1), *range(1, second + 1)]) == ()
    run = [*range(50, 50 + first), *range(1, 20)]
    assert missing_deliveries(run) == ()


def test_the_beginning_of_a_new_count_is_missed_and_the_tail_of_the_old_cannot_be() -> None:
    assert missing_deliveries([7, 8, 9, 3]) == ((1, 2),)
    assert missing_deliveries([7, 8]) == ()


def test_a_delivery_whose_parts_are_on_their_way_is_no_alarm_yet() -> None:
    early = replace(arrival(slot(4, 1, 3)), at=NOW)
    assert alarms([early], NOW, UNOPENED) == ()
    (alarm,) = alarms([early], NOW + 2 * PATIENCE, UNOPENED)
    assert alarm == Alarm(
        trouble=Trouble.PARTS_MISSING,
        operator="enedis",
        flow="R151",
        subscription="1",
        sequence=4,
        first=2,
        last=3,
    )


def test_a_flow_of_which_nothing_decrypts_is_an_alarm_until_a_file_is_taken_in() -> None:
    closed = arrival(slot(1), State.PARKED, "no_key_fits")
    opened = arrival(slot(2))
    troubles = [a.trouble for a in alarms([closed], NOW, UNOPENED)]
    assert troubles == [Trouble.NOTHING_DECRYPTED]
    assert alarms([closed, opened], NOW, UNOPENED) == ()
    troubles = [a.trouble for a in alarms([opened, closed], NOW, UNOPENED)]
    assert troubles == [Trouble.NOTHING_DECRYPTED]


def test_files_that_were_noted_and_never_settled_are_an_alarm() -> None:
    (alarm,) = alarms([arrival(None, State.ARRIVED)], NOW, UNOPENED)
    assert alarm.trouble is Trouble.NOT_SETTLED
