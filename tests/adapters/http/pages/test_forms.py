"""Forms: what people type is understood, and what is wrong is said by its field."""

from datetime import date

import pytest

from adapters.http.pages.forms import Form, MeterForm, read_day, read_meter
from adapters.http.pages.frame import FIELDS_MAX, fields_of

TODAY = date(2026, 11, 25)
GOOD = {"numero": "00324585900021", "entree": "2023-09-15", "puissance": "9"}


def test_a_number_may_be_typed_with_spaces_and_a_day_as_people_write_it() -> None:
    said = read_meter(GOOD | {"numero": "00 324 585.900-021", "entree": "15/09/2023"}, TODAY)
    expected = MeterForm(number="00324585900021", entry_day=date(2023, 9, 15), power_kva=9)
    assert said == expected


def test_a_power_that_is_not_known_is_none() -> None:
    said = read_meter(GOOD | {"puissance": ""}, TODAY)
    assert isinstance(said, MeterForm)
    assert said.power_kva is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("numero", "", "14 chiffres"),
        ("numero", "123", "vous en avez donné 3"),
        ("numero", "0032458590002X", "sans lettre"),
        ("numero", "٠٠٣٢٤٥٨٥٩٠٠٠٢١", "14 chiffres"),
        ("entree", "", "date"),
        ("entree", "31/02/2023", "date"),
        ("entree", "2031-01-01", "corrigez"),
        ("entree", "1753-01-01", "corrigez"),
        ("puissance", "7", "liste"),
    ],
)
def test_what_is_wrong_is_said_by_its_field(field: str, value: str, words: str) -> None:
    said = read_meter(GOOD | {field: value}, TODAY)
    assert isinstance(said, Form)
    assert list(said.errors) == [field]
    assert words in said.errors[field]


@pytest.mark.parametrize("text", ["", "0", "15", "99/99/9999", "2023-13-01", "\u0661/1/2023"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


def test_fields_lose_control_marks_and_the_first_of_a_name_counts() -> None:
    body = b"nom=%20Marge%00%0d%0a%E2%80%AE%20&nom=Homer&vide=&faux=%ff"
    assert fields_of(body) == {"nom": "Marge", "vide": "", "faux": "\ufffd"}


def test_more_fields_than_any_form_has_are_none() -> None:
    assert fields_of(b"&".join([b"a=1"] * (FIELDS_MAX + 1))) == {}
