"""A series: all deliveries of a day are kept, and one rule chooses."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.reading import (
    INITIAL,
    Taken,
    UnknownUnit,
    chosen,
    differences,
    evolve,
    fold,
    standing,
)
from tests.domain.readings import (
    curve,
    delivered,
    gas_day,
    index,
    peak,
    register,
    series,
    supplier,
    told,
    total,
)

DAY, NEXT = date(2024, 1, 10), date(2024, 1, 11)


def test_the_latest_delivery_in_the_ledger_wins_and_the_others_are_kept() -> None:
    known = series(
        delivered(7, index(DAY, register(100)), index(NEXT, register(150))),
        delivered(9, index(NEXT, register(160))),
    )
    assert told(known, DAY, DAY) == [(1, 60)]
    (difference,) = differences(known)
    assert difference.chosen.order == (9, 0)
    assert [other.order for other in difference.others] == [(7, 1)]


def test_the_order_of_the_ledger_counts_and_not_the_order_of_receipt() -> None:
    early, late = delivered(7, peak(DAY, 10, "VA")), delivered(9, peak(DAY, 20, "VA"))
    backdated = [
        Taken(
            order=taken.order,
            delivery=taken.delivery,
            received_at=early[0].received_at,
            reading=taken.reading,
        )
        for taken in late
    ]
    best = chosen([*backdated, *early])
    assert best is not None
    assert best.reading == late[0].reading


def test_a_bare_row_takes_nothing_away() -> None:
    known = series(
        delivered(1, index(DAY, register(100)), index(NEXT, register(150))),
        delivered(2, index(NEXT), index(DAY, register(None))),
    )
    assert told(known, DAY, DAY) == [(1, 50)]
    assert differences(known) == ()
    assert chosen(delivered(1, index(DAY))) is None


def test_equal_rows_are_one() -> None:
    both = delivered(1, index(DAY, register(100)), index(DAY, register(100)))
    assert len(standing(both)) == 1
    assert differences(series(both)) == ()


def test_a_row_that_is_contradicted_stands_down_whole() -> None:
    wrong = index(DAY, total(90), register(90), supplier(90))
    right = index(DAY, register(100), supplier(100))
    assert [taken.reading for taken in standing(delivered(1, wrong, right))] == [right]


def test_rows_that_do_not_contradict_each_other_serve_together() -> None:
    one, other = index(DAY, total(90)), index(DAY, register(70))
    assert [taken.reading for taken in standing(delivered(1, one, other))] == [other, one]


READINGS = st.sampled_from(
    [
        index(DAY, total(90), register(90)),
        index(DAY, register(100)),
        index(DAY),
        index(NEXT, total(120)),
        index(NEXT, register(130), supplier(130)),
        gas_day(DAY, 8000),
        gas_day(DAY, None),
        peak(DAY, 10, "VA"),
        peak(DAY, 10, "W"),
        curve(DAY),
    ]
)
DELIVERIES = st.lists(st.lists(READINGS, max_size=4), max_size=5)


@given(DELIVERIES, st.data())
def test_the_fold_is_the_same_in_whatever_order_and_however_often_rows_are_handed_in(
    deliveries: list[list[Any]], data: st.DataObject
) -> None:
    rows = [taken for n, readings in enumerate(deliveries) for taken in delivered(n, *readings)]
    whole = fold(rows)
    shuffled = data.draw(st.permutations(rows + rows[:3]))
    assert fold(shuffled) == whole
    one_by_one = INITIAL
    for taken in shuffled:
        one_by_one = evolve(one_by_one, taken)
        assert evolve(one_by_one, taken) == one_by_one
    assert one_by_one == whole
    assert sum(len(kept) for kept in whole.rows.values()) == len(rows), "nothing is thrown away"


def test_a_unit_that_was_never_written_is_corrupt() -> None:
    with pytest.raises(UnknownUnit, match="kVA"):
        series(delivered(1, peak(DAY, 10, "kVA")))
