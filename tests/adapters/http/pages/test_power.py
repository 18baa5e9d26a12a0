"""« Ma puissance maximale »: the highest of each day, gaps as gaps, and nothing after the end."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from adapters.http.pages import bars, chart
from adapters.http.pages.bars import Kind
from adapters.http.pages.summary import summary
from application import consenting
from domain.aggregates.consent import Origin
from domain.aggregates.power import DayPower
from tests.adapters.http.api.conftest import GAP, founded, powered, site, world
from tests.domain.readings import peak

if TYPE_CHECKING:
    from tests.adapters.http.api.conftest import Powered, World

__all__ = ["founded", "powered", "site", "world"]  # fixtures, taken from where they are made
FIRST, SECOND, THIRD = date(2026, 10, 4), date(2026, 10, 5), date(2026, 10, 6)
OCTOBER = "?periode=2026-10"


@pytest.fixture
def browser(powered: Powered) -> httpx.Client:
    return powered.person.client


def test_a_month_shows_each_day_and_says_which_were_not_measured(
    powered: Powered, browser: httpx.Client
) -> None:
    page = browser.get(f"/consommation/{powered.power}{OCTOBER}").text
    assert "<h1>Ma puissance maximale</h1>" in page
    rows = re.findall(
        r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td><td>([^<]*)</td></tr>', page
    )
    assert len(rows) == 31
    gaps = [note for _, value, note in rows if value == "—"]
    assert gaps == ["non mesuré"] * len([day for day in GAP if day.month == 10])
    values = [float(value.replace(",", ".")) for _, value, _ in rows if value != "—"]
    assert f"<strong>{max(values):.1f}".replace(".", ",") in page
    assert "kVA</strong>" in page
    assert "Puissance souscrite\u00a0: 9&nbsp;kVA" in page
    assert "kWh" not in page


def test_a_year_shows_its_days_and_leads_to_the_consumption(
    powered: Powered, browser: httpx.Client
) -> None:
    page = browser.get(f"/consommation/{powered.power}?periode=2026").text
    assert page.count('<tr><th scope="row">') > 50
    assert f'href="/consommation/{powered.person.consent}"' in page
    assert f'href="/consommation/{powered.power}"' in (
        browser.get(f"/consommation/{powered.person.consent}").text
    )


def test_days_before_anything_was_sent_say_so(powered: Powered, browser: httpx.Client) -> None:
    page = browser.get(f"/consommation/{powered.power}?periode=2024-02").text
    assert "Aucune mesure sur ces jours." in page


def test_nothing_is_shown_once_the_consent_is_withdrawn(
    world: World, powered: Powered, browser: httpx.Client
) -> None:
    consenting.withdraw_consent(world.ledger.services, UUID(powered.power), origin=Origin.RESIDENT)
    page = browser.get(f"/consommation/{powered.power}")
    assert page.status_code == 403
    assert "kVA" not in page.text


def test_va_and_w_stand_beside_each_other_and_each_says_what_it_is() -> None:
    days = [
        DayPower(day=FIRST, highest=peak(FIRST, 6_340, "VA")),
        DayPower(day=SECOND, highest=peak(SECOND, 5_000, "W"), disputed=True),
        DayPower(day=THIRD, highest=None, removed=True),
    ]
    drawn = bars.of_powers(days, FIRST, THIRD)
    assert [(one.kind, one.value) for one in drawn] == [
        (Kind.MEASURED, 6_340),
        (Kind.ACTIVE, 5_000),
        (Kind.HELD, None),
    ]
    assert [one.note.partition(",")[0] for one in drawn[:2]] == ["kVA", "kW"]
    assert "plusieurs envois diffèrent" in drawn[1].note
    assert "effacés" in drawn[2].note
    assert "6,3" in chart.rows(drawn)


def test_days_all_in_w_are_measured_like_any() -> None:
    (bar,) = bars.of_powers([DayPower(day=FIRST, highest=peak(FIRST, 5_000, "W"))], FIRST, THIRD)
    assert (bar.kind, bar.note) == (Kind.MEASURED, "")


def test_the_instant_is_told_where_the_operator_sent_it() -> None:
    at = datetime(2026, 10, 4, 17, 10, tzinfo=UTC)
    highest = replace(peak(FIRST, 6_340, "VA"), at=at)
    (bar,) = bars.of_powers([DayPower(day=FIRST, highest=highest)], FIRST, THIRD)
    assert bar.note == "19\u00a0h\u00a010"


def test_a_destroyed_year_is_one_line_of_what_is_missing() -> None:
    days = [DayPower(day=FIRST + timedelta(days=n), highest=None, removed=True) for n in range(365)]
    ((label, note),) = summary(bars.of_powers(days, FIRST, THIRD)).held
    assert label == "du 4\u00a0octobre au 3\u00a0octobre"
    assert "effacés" in note


def test_days_held_back_for_other_causes_or_apart_are_lines_of_their_own() -> None:
    measured = DayPower(day=SECOND, highest=peak(SECOND, 5_000, "VA"))
    first, third = (DayPower(day=day, highest=None, removed=True) for day in (FIRST, THIRD))
    assert len(summary(bars.of_powers([first, measured, third], FIRST, THIRD)).held) == 2
