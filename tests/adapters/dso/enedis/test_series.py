"""Meters that do not exist are as many as a metropolis has, and told apart."""

from __future__ import annotations

from adapters.dso.enedis.series import NUMBER_DIGITS, town

MOST = 370_000


def test_a_metropolis_of_meters_has_as_many_numbers_of_fourteen_digits() -> None:
    numbers = {meter.number for meter in town(1, MOST)}
    assert len(numbers) == MOST
    assert {len(number) for number in numbers} == {NUMBER_DIGITS}
