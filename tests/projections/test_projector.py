"""Projections say what the ledger says, are built again alike, and die with the keys."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from adapters.dso.enedis.series import town
from application import consenting, erasure
from application.freshness import last_day_of
from application.residents import resident
from application.viewing import overview
from domain.aggregates.consent import ConsentStatus, Origin
from domain.aggregates.consumption import consumption
from domain.values import Category
from metroledger.bootstrap import administrator
from projections.consumption import daily
from projections.projector import BuiltAlready
from projections.store import Part
from tests.application.world import SEED, series_of, settle_all, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from projections.projector import Projector
    from tests.application.world import Household

FIRST = date(2026, 1, 20)
NIGHTS = 45


@pytest.fixture
def homes(ledger: Installation, tmp_path: Path) -> list[Household]:
    """Four homes with a month and a half of days each."""
    meters = town(SEED, 4)
    homes = settle_all(ledger, meters)
    days = [FIRST + timedelta(days=n) for n in range(NIGHTS)]
    for path in write_nights(tmp_path / "nights", meters, days):
        take(ledger, path)
    ledger.shown.catch_up()
    return homes


def compact(shown: Projector) -> None:
    while shown.compact():
        pass


def test_what_is_shown_is_what_the_log_says(ledger: Installation, homes: list[Household]) -> None:
    last = FIRST + timedelta(days=NIGHTS)
    for home in homes:
        (consent,) = home.consents
        expected = consumption(series_of(ledger, consent), FIRST, last)
        assert any(piece.energy_wh for piece in expected)
        assert daily(ledger.shown, consent, FIRST, last) == expected
    compact(ledger.shown)
    assert {len(ledger.shown.store.slips(home.consents[0])) for home in homes} == {0}
    assert {len(ledger.shown.store.held(home.consents[0]).pages) for home in homes} == {3}
    for home in homes:
        (consent,) = home.consents
        expected = consumption(series_of(ledger, consent), FIRST, last)
        assert daily(ledger.shown, consent, FIRST, last) == expected


def test_figures_are_those_of_the_months_asked_for_and_of_the_nearest_beside(
    ledger: Installation, homes: list[Household]
) -> None:
    (consent,) = homes[0].consents
    store = ledger.shown.store
    before = store.held(consent)
    assert (len(before.pages), len(before.slips)) == (0, NIGHTS)
    compact(ledger.shown)
    january, february, march = (date(2026, month, 1) for month in (1, 2, 3))

    def months(first: date, last: date) -> list[date]:
        return list(store.figured(consent, first, last).figures)

    assert [page.month for page in store.held(consent).pages] == [january, february, march]
    assert months(february, february) == [january, february, march]
    assert months(march, march) == [february, march]
    assert months(date(2025, 6, 1), date(2025, 9, 1)) == [january]
    assert months(date(2026, 6, 1), date(2026, 9, 1)) == [march]
    assert store.figured(consent, january, march).slips == []


def test_a_late_day_joins_the_page_of_its_month(
    ledger: Installation, homes: list[Household], tmp_path: Path
) -> None:
    compact(ledger.shown)
    (consent,) = homes[0].consents
    later = FIRST - timedelta(days=1)
    for path in write_nights(tmp_path / "late", town(SEED, 4), [later]):
        take(ledger, path)
    ledger.shown.catch_up()
    expected = consumption(series_of(ledger, consent), later, FIRST)
    assert daily(ledger.shown, consent, later, FIRST) == expected
    assert expected[1].energy_wh is not None


def test_a_late_day_does_not_make_a_fresh_meter_look_late(
    ledger: Installation, homes: list[Household], tmp_path: Path
) -> None:
    (consent,) = homes[0].consents
    newest = last_day_of(ledger.shown.latest(consent))
    compact(ledger.shown)
    for path in write_nights(tmp_path / "late", town(SEED, 4), [FIRST - timedelta(days=1)]):
        take(ledger, path)
    ledger.shown.catch_up()
    assert len(ledger.shown.store.slips(consent)) == 1
    assert last_day_of(ledger.shown.latest(consent)) == newest == FIRST + timedelta(NIGHTS - 1)


def test_built_again_from_the_log_it_has_the_same_digest(
    ledger: Installation, homes: list[Household]
) -> None:
    consenting.withdraw_consent(ledger.services, homes[0].consents[0], origin=Origin.RESIDENT)
    ledger.shown.catch_up()
    before = ledger.shown.digest()
    fresh = ledger.shown.rebuild()
    assert fresh.digest() == before, "slips and slips"
    compact(fresh)
    assert fresh.digest() == before, "slips and pages"
    assert ledger.shown.digest() == before, "the reader of before follows"
    assert [ledger.shown.lag(part) for part in Part] == [0, 0]


def test_what_is_read_meanwhile_is_whole(ledger: Installation, homes: list[Household]) -> None:
    """A reader that knew the generation before finds the next one by itself."""
    (consent,) = homes[1].consents
    last = FIRST + timedelta(days=NIGHTS)
    expected = daily(ledger.shown, consent, FIRST, last)
    for _ in range(3):
        ledger.shown.rebuild()
        assert daily(ledger.shown, consent, FIRST, last) == expected


def test_two_who_build_it_anew_at_once_do_not_undo_each_other(
    ledger: Installation, homes: list[Household]
) -> None:
    with ledger.shown.store.turn(None), pytest.raises(BuiltAlready):
        ledger.shown.rebuild()
    assert ledger.shown.standing_of([homes[0].account])
    ledger.shown.rebuild()


def test_one_consent_that_cannot_be_opened_keeps_nobody_else_from_being_filed(
    ledger: Installation, homes: list[Household]
) -> None:
    assert ledger.settings.database_url is not None
    with psycopg.connect(ledger.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "update projection_1.slips set sealed = %s where consent = %s",
            (bytes(99), homes[0].consents[0]),
        )
    assert ledger.shown.compact() == len(homes) - 1
    assert ledger.shown.compact() == 0
    assert [len(ledger.shown.store.slips(home.consents[0])) for home in homes[1:]] == [0, 0, 0]
    assert ledger.shown.store.slips(homes[0].consents[0])


def test_nothing_of_an_erased_person_is_left_and_the_neighbour_is_whole(
    ledger: Installation, homes: list[Household]
) -> None:
    gone, stays = homes[:2]
    neighbour = daily(ledger.shown, stays.consents[0], FIRST, FIRST + timedelta(days=9))
    erasure.request(ledger.services, gone.account, resident(gone.account))
    erasure.check_identity(ledger.services, gone.account, administrator(ledger), means="in person")
    erasure.validate(ledger.services, gone.account, administrator(ledger))
    erasure.erase(ledger.services, gone.account, administrator(ledger))
    ledger.shown.catch_up()
    assert ledger.shown.standing_of([gone.account]) == {}
    assert ledger.shown.entries(gone.consents[0]) == []
    assert list(ledger.shown.store.slips(gone.consents[0])) == []
    assert daily(ledger.shown, stays.consents[0], FIRST, FIRST + timedelta(days=9)) == neighbour
    digest = ledger.shown.digest()
    assert ledger.shown.rebuild().digest() == digest


def test_an_account_is_shown_as_its_streams_stand(
    ledger: Installation, homes: list[Household]
) -> None:
    home = homes[2]
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    (consent,) = overview(ledger.services, home.account).consents
    assert consent.status is ConsentStatus.WITHDRAWN
    standing = ledger.shown.standing_of([home.account])[home.account]
    for placed in (standing.accounts, standing.meters, standing.consents, standing.collections):
        heads = ledger.store.heads([stream.bytes for stream in placed])
        assert {stream.bytes: one.version for stream, one in placed.items()} == {
            stream: head.version for stream, head in heads.items()
        }


def test_no_personal_value_is_in_clear_in_any_generation(
    ledger: Installation, homes: list[Household]
) -> None:
    url = ledger.settings.database_url
    assert url is not None
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname like 'projection_%'"
        ).fetchall()
        assert len(names) == 7
        for schema, table in names:
            query = sql.SQL("select t::text from {} t").format(sql.Identifier(schema, table))
            rows = connection.execute(query).fetchall()
            text = "\n".join(row for (row,) in rows)
            for home in homes:
                assert home.number not in text
                assert home.number.encode().hex() not in text
            assert "BOUVIER" not in text
            assert b"BOUVIER".hex() not in text
            assert Category.DAILY_INDEX.encode().hex() not in text
