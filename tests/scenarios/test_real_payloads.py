"""What Enedis really sent, through the whole ledger: every number can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from application.deliveries import Result
from domain.aggregates.consumption import consumption
from domain.aggregates.reading import differences
from domain.events.reading import IndexReceived
from domain.values import Category, civil_day
from tests.application.world import Place, closed, opened, series_of, settle, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from uuid import UUID

    from domain.aggregates.reading import Series, Taken
    from metroledger.bootstrap import Installation

POINT = "09111642617347"
JOIN = date(2022, 2, 2)
HDM = "CommandeTransmissionHistoriqueMesures/C5-IDX/Enedis_SGE_HDM_A06NW10D.csv"
R151 = "CommandeCollectePublicationMesures/C5-IDX/R151.xml"


@pytest.fixture
def payload(shared: Path) -> Callable[[str], Path]:
    return lambda name: shared / "data" / "enedis-sge" / name


@pytest.fixture
def place(place: Place) -> Place:
    """A ledger that keeps what these files of 2020 to 2022 hold."""
    return replace(place, also={"METROLEDGER_RETENTION": "daily_index=20,maximum_power=20"})


@pytest.fixture
def consent(ledger: Installation) -> UUID:
    return settle(ledger, POINT).consents[0]


def days(series: Series, first: date, last: date) -> dict[tuple[date, date], int | None]:
    pieces = consumption(series, first, last)
    return {(piece.first_day, piece.last_day): piece.energy_wh for piece in pieces}


def values(series: Series, first: date, last: date) -> list[int | None]:
    found = days(series, first, last)
    assert all(one == other for one, other in found), "a value for every day"
    return list(found.values())


def said(taken: Taken) -> set[int | None]:
    assert isinstance(taken.reading, IndexReceived)
    return {register.value_wh for register in taken.reading.registers}


def test_the_days_of_january_2022_are_those_of_the_file(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path]
) -> None:
    assert take(ledger, payload(HDM)).result is Result.TAKEN_IN
    shown = values(series_of(ledger, consent), date(2022, 1, 5), date(2022, 1, 11))
    assert shown == [20711, 24217, 29256, 29355, 25514, 24020, 23512]


def test_the_missing_midnight_of_march_joins_two_days_and_invents_nothing(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path]
) -> None:
    take(ledger, payload(HDM))
    series = series_of(ledger, consent)
    both = (date(2021, 3, 27), date(2021, 3, 28))
    assert days(series, *both) == {both: 60_266}
    assert days(series, both[0], both[0]) == {both: 60_266}, "no value for one side alone"
    assert date(2021, 3, 28) not in {civil_day(key.start) for key in series.rows}


def test_the_doubled_midnight_of_october_counts_once(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path]
) -> None:
    outcome = take(ledger, payload(HDM))
    series = series_of(ledger, consent)
    assert values(series, date(2021, 10, 30), date(2021, 10, 31)) == [18_535, 21_321]
    assert outcome.counts["repeated"] == 1


@pytest.mark.parametrize("order", [(HDM, R151), (R151, HDM)], ids=["after", "before"])
def test_the_r151_joins_the_csv_whichever_comes_first(
    ledger: Installation,
    consent: UUID,
    payload: Callable[[str], Path],
    order: tuple[str, str],
) -> None:
    for name in order:
        take(ledger, payload(name))
    series = series_of(ledger, consent)
    assert values(series, JOIN, JOIN) == [20_681]
    at_its_start = [rows for key, rows in series.rows.items() if civil_day(key.start) == JOIN]
    assert 9_723_814 in {value for rows in at_its_start for row in rows for value in said(row)}
    assert differences(series) == ()


def test_the_same_file_again_changes_nothing(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path]
) -> None:
    first = take(ledger, payload(HDM))
    before, cursor = series_of(ledger, consent), ledger.store.cursor()
    again = take(ledger, payload(HDM))
    assert (again.result, again.id) == (Result.ALREADY_TAKEN_IN, first.id)
    assert (series_of(ledger, consent), ledger.store.cursor()) == (before, cursor)


def test_the_same_name_with_another_value_is_kept_beside_it_and_the_latest_is_chosen(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path], tmp_path: Path
) -> None:
    take(ledger, payload(HDM))
    take(ledger, payload(R151))
    content = payload(R151).read_bytes()
    (corrected := tmp_path / "R151.xml").write_bytes(content.replace(b"9744495", b"9744595"))
    assert take(ledger, corrected).result is Result.TAKEN_IN
    series = series_of(ledger, consent)
    (difference,) = differences(series)
    assert civil_day(difference.key.start) == JOIN + timedelta(days=1)
    both = [said(taken) for taken in (difference.chosen, *difference.others)]
    assert both == [{9_744_595}, {9_744_495}], "both are kept, the latest delivery is chosen"
    (piece,) = consumption(series, JOIN, JOIN)
    assert (piece.energy_wh, piece.disputed) == (20_781, True)


def test_a_correction_ingested_first_loses_to_the_later_delivery(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path], tmp_path: Path
) -> None:
    """The rule goes by the order of the ledger, whatever the files say of themselves."""
    content = payload(R151).read_bytes()
    (other := tmp_path / "R151.xml").write_bytes(content.replace(b"9744495", b"9744595"))
    for path in (payload(HDM), other, payload(R151)):
        take(ledger, path)
    (piece,) = consumption(series_of(ledger, consent), JOIN, JOIN)
    assert (piece.energy_wh, piece.disputed) == (20_681, True)


def test_the_maximum_power_is_taken_in_under_its_own_consent_alone(
    ledger: Installation, payload: Callable[[str], Path]
) -> None:
    both = settle(ledger, POINT, categories=(Category.DAILY_INDEX, Category.MAXIMUM_POWER))
    outcome = take(ledger, payload(R151))
    assert outcome.counts == {"accepted": 2}
    kept = [len(series_of(ledger, consent).rows) for consent in both.consents]
    assert kept == [1, 1]


def test_both_audits_cover_every_reading_of_the_real_files(
    ledger: Installation, consent: UUID, payload: Callable[[str], Path]
) -> None:
    for name in (HDM, R151):
        take(ledger, payload(name))
    sealed, read = closed(ledger), opened(ledger)
    assert (sealed.readings, sealed.covered, sealed.findings) == (391, 391, [])
    assert (read.opened, read.findings) == (391, [])
    assert len(ledger.store.readings(consent.bytes)) == 391
