"""A delivery is taken in whole and once, by several at a time and after a crash in between."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from adapters.dso.enedis.series import town
from application import consenting, deliveries, parking
from application.deliveries import Result, ShownAmiss
from domain.aggregates import delivery
from domain.aggregates.consent import Origin
from domain.errors import Unavailable
from domain.events.delivery import DeliveryCompleted
from tests.application.world import (
    SEED,
    Household,
    closed,
    cutting,
    opened,
    readings_held,
    settle_all,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from application.deliveries import Outcome
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

METERS = town(SEED, 12)
DAY = date(2025, 3, 1)


@pytest.fixture
def homes(ledger: Installation) -> list[Household]:
    return settle_all(ledger, METERS)


@pytest.fixture
def night(tmp_path: Path) -> Path:
    (path,) = write_nights(tmp_path / "nights", METERS, [DAY])
    return path


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few readings a part, so that one night needs several."""
    monkeypatch.setattr(deliveries, "PART_BYTES", 1_500)


class Crash(BaseException):
    """Not an Exception: nothing may catch it and go on."""


def crash_after(ledger: Installation, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    carry, done = ledger.ledger.carry, 0

    def counted(*arguments: object, **options: object) -> object:
        nonlocal done
        if done == parts:
            raise Crash
        done += 1
        return carry(*arguments, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(ledger.ledger, "carry", counted)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_delivery_that_was_cut_short_between_parts_is_ended_by_the_same_file(
    ledger: Installation,
    homes: list[Household],
    night: Path,
    parts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        crash_after(ledger, patch, parts)
        with pytest.raises(Crash):
            take(ledger, night)
    before = len(readings_held(ledger))
    assert 0 <= before < len(homes)
    outcome = take(ledger, night)
    assert outcome.result is Result.TAKEN_IN
    state = ledger.ledger.load(delivery, outcome.id).state
    assert state.parts is not None
    assert state.parts > 2
    assert len(state.received) == state.parts
    held = readings_held(ledger)
    assert (len(held), set(held.values())) == (len(homes), {1})
    assert take(ledger, night).result is Result.ALREADY_TAKEN_IN
    assert opened(ledger).findings == []


@pytest.mark.usefixtures("small_parts")
def test_a_consent_that_ends_between_two_parts_lets_the_others_in(
    ledger: Installation, homes: list[Household], night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        crash_after(ledger, patch, 1)
        with pytest.raises(Crash):
            take(ledger, night)
    leaving = homes[-1]
    consenting.withdraw_consent(ledger.services, leaving.consents[0], origin=Origin.RESIDENT)
    outcome = take(ledger, night)
    assert "accepted" not in outcome.rows[leaving.number]
    assert len(readings_held(ledger)) == len(homes) - 1
    assert closed(ledger).findings == []


@pytest.mark.usefixtures("small_parts")
def test_one_file_given_to_four_at_once_is_taken_in_once(place: Place, night: Path) -> None:
    with place.open() as one, place.open() as other:
        settle_all(one, METERS)

        def ingest(number: int) -> Outcome:
            return take((one, other)[number % 2], night)

        with ThreadPoolExecutor(4) as threads:
            outcomes = list(threads.map(ingest, range(4)))
        assert len({outcome.id for outcome in outcomes}) == 1
        held = readings_held(one)
        assert (len(held), set(held.values())) == (len(METERS), {1})
        taken = sum(outcome.counts.get("accepted", 0) for outcome in outcomes)
        assert taken == len(METERS), "every part was told once, by whoever took it in"
        completed = topics(one).count(DeliveryCompleted.TOPIC)
        assert completed == 1


@pytest.mark.chaos
@pytest.mark.usefixtures("small_parts")
def test_deliveries_whose_connections_are_cut_are_taken_in_once(
    place: Place, tmp_path: Path
) -> None:
    """R6: the answer to an append may be lost, the truth is not."""
    days = [DAY + timedelta(days=n) for n in range(8)]
    nights = write_nights(tmp_path / "nights", METERS, days)
    with place.open() as ledger:
        settle_all(ledger, METERS)
        with cutting(place, Random(6), cuts=20), ThreadPoolExecutor(4) as threads:
            list(threads.map(partial(insist, ledger), nights))
        held = readings_held(ledger)
        assert (len(held), set(held.values())) == (len(METERS) * len(nights), {1})
        assert closed(ledger).findings == []


def insist(ledger: Installation, path: Path) -> None:
    for _ in range(1_000):
        with contextlib.suppress(Unavailable):
            take(ledger, path)
            return
    raise Crash


def topics(ledger: Installation) -> Sequence[str]:
    notifications = ledger.ledger.recorder.select_notifications(1, 10_000)
    return [notification.topic for notification in notifications]


def test_a_file_may_be_taken_in_again_on_purpose_and_is_another_delivery(
    ledger: Installation, homes: list[Household], night: Path
) -> None:
    first, again = take(ledger, night), take(ledger, night, attempt=1)
    assert (again.result, again.id != first.id) == (Result.TAKEN_IN, True)
    held = readings_held(ledger)
    assert set(held.values()) == {2}
    assert len(held) == len(homes)
    assert take(ledger, night, attempt=1).result is Result.ALREADY_TAKEN_IN


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ERDF_R151_1_2_3_00001_Q_00001_00001_20250303030726.zip", b""),
        ("notes.txt", b"not a file of anyone's" * 10),
        ("Enedis_SGE_HDM_A0.csv", b"\xef\xbb\xbfnonsense;\n"),
    ],
)
def test_what_cannot_be_read_is_parked_sealed_once_and_opens_again(
    ledger: Installation, tmp_path: Path, name: str, content: bytes
) -> None:
    (path := tmp_path / name).write_bytes(content)
    outcome = take(ledger, path)
    assert outcome.result is Result.PARKED
    assert take(ledger, path).result is Result.ALREADY_PARKED
    assert parking.parked_content(ledger.services, outcome.id) == content
    kept = (ledger.settings.parked / str(outcome.id)).read_bytes()
    assert not content or content[:16] not in kept
    assert topics(ledger).count("DeliveryParked.v1") == 1


def test_a_consent_that_is_shown_amiss_ends_the_delivery_instead_of_filling_the_log(
    ledger: Installation, homes: list[Household], night: Path
) -> None:
    """As when an event of it was accepted and could not be opened: what is shown stays behind."""
    assert ledger.settings.database_url is not None
    with psycopg.connect(ledger.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "update heads set version = version + 1 where stream = %s", homes[0].consents
        )
    began = ledger.log.end()
    with pytest.raises(ShownAmiss):
        take(ledger, night)
    assert ledger.log.end() - began == 1
    assert not ledger.store.readings(homes[0].consents[0].bytes)
