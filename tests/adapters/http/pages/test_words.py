"""French as it is printed: spaces that do not break, commas, days and causes in words."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.pages import words
from domain.aggregates.consent import ConsentStatus
from domain.aggregates.consumption import HeldBack
from domain.values import Category, Fluid


@pytest.mark.parametrize(
    ("energy_wh", "written"),
    [
        (0, "0,0"),
        (49, "0,0"),
        (50, "0,1"),
        (12_403, "12,4"),
        (999_950, "1\u202f000,0"),
        (1_234_567, "1\u202f234,6"),
        (-1_500, "−1,5"),
    ],
)
def test_energy_is_written_in_kwh_with_one_decimal(energy_wh: int, written: str) -> None:
    assert words.kwh(energy_wh) == written


@given(st.integers(0, 10**12))
def test_what_is_written_is_what_was_measured_to_half_a_tenth(energy_wh: int) -> None:
    read = words.kwh(energy_wh).replace("\u202f", "").replace(",", ".")
    assert abs(float(read) * 1_000 - energy_wh) <= 50.001


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 3, 3), date(2026, 3, 3), "le 3\u00a0mars"),
        (date(2026, 3, 1), date(2026, 3, 2), "du 1er au 2\u00a0mars"),
        (date(2026, 3, 30), date(2026, 4, 1), "du 30\u00a0mars au 1er\u00a0avril"),
    ],
)
def test_days_that_follow_each_other_are_said_together(first: date, last: date, said: str) -> None:
    assert words.between(first, last) == said


def test_an_instant_is_said_by_the_clocks_of_france() -> None:
    said = words.at(datetime(2026, 7, 1, 22, 5, tzinfo=UTC))
    assert said == "2\u00a0juillet 2026 à 0\u00a0h\u00a005"


def test_a_meters_number_is_grouped_and_keeps_its_zeros() -> None:
    assert words.meter_number("00324585900021").replace("\u00a0", " ") == "00 324 585 900 021"


def test_every_value_of_the_domain_has_a_word() -> None:
    assert set(words.CATEGORIES) == set(words.WHAT) == set(Category)
    assert set(words.FLUIDS) == set(Fluid)
    assert set(words.CAUSES) == set(HeldBack)
    assert set(words.STATUSES) == set(ConsentStatus) - {ConsentStatus.UNASKED}


def test_signs_stand_off_by_spaces_that_do_not_break() -> None:
    assert words.typeset("Oublié ? « Non » : jamais ; a != b") == (
        "Oublié\u202f? «\u202fNon\u202f»\u00a0: jamais\u202f; a != b"
    )


def test_a_published_text_loses_only_the_breaks_that_its_files_width_made() -> None:
    text = """Deux questions, deux réponses séparées. Refuser est aussi
simple qu’accepter.

1. L’index quotidien, chaque jour, pour vous montrer votre
   consommation ?
Qui : la Métropole.
Quand : un an.
"""
    assert words.unwrapped(text).splitlines() == [
        "Deux questions, deux réponses séparées. Refuser est aussi simple qu’accepter.",
        "",
        "1. L’index quotidien, chaque jour, pour vous montrer votre consommation ?",
        "Qui : la Métropole.",
        "Quand : un an.",
    ]


@given(st.text(alphabet=" abc.\n", max_size=200))
def test_no_word_of_a_published_text_is_lost(text: str) -> None:
    assert words.unwrapped(text).split() == text.split()
