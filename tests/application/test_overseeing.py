"""An administrator sees how all collections go, and what came, without a name or a value."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from adapters.dso.enedis.series import town
from application import overseeing
from application.arrivals import Arrival, State, Trouble
from application.freshness import Freshness
from application.overseeing import COUNTED_EVERY, Overseer, count
from application.services import new_id
from domain.values import civil_day
from metroledger.bootstrap import open_ledger
from metroledger.operators import UNOPENED
from tests.application.world import SEED, settle_all, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Place


def overseer_of(ledger: Installation) -> Overseer:
    return Overseer(services=ledger.services, arrivals=ledger.arrivals, unopened=UNOPENED)


def furnish(ledger: Installation, directory: Path) -> list[UUID]:
    """Settle five homes: two have fresh data, one is late, two await their first."""
    meters = town(SEED, 5)
    homes = settle_all(ledger, meters)
    today = civil_day(ledger.clock())
    for name, some, days in (("late", meters[:3], 9), ("fresh", meters[:2], 2)):
        for path in write_nights(directory / name, some, [today - timedelta(days=days)]):
            take(ledger, path)
    ledger.shown.catch_up()
    return [home.meter for home in homes]


def test_every_collection_is_counted_once_under_its_state(
    ledger: Installation, tmp_path: Path
) -> None:
    assert count(ledger.services).by_operator == {}
    furnish(ledger, tmp_path)
    assert count(ledger.services).by_operator == {
        "enedis": {Freshness.FRESH: 2, Freshness.LATE: 1, Freshness.AWAITED: 2}
    }


def test_what_does_not_go_well_is_told_alone_and_all_where_it_is_asked_for(
    ledger: Installation, tmp_path: Path
) -> None:
    meters = furnish(ledger, tmp_path)
    overseer = overseer_of(ledger)
    watched = overseer.collections(after=None, well_too=False)
    assert [one.meter for one in watched.collections] == [meters[2]]
    assert watched.following is None
    told = overseer.collections(after=None, well_too=True).collections
    assert sorted(one.meter for one in told) == sorted(meters)
    last = UUID(int=(1 << 128) - 1)
    assert overseer.collections(after=last, well_too=True).collections == ()


@pytest.mark.parametrize("counted", [False, True])
def test_going_on_from_answer_to_answer_all_that_is_to_be_watched_is_seen_once(
    ledger: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, counted: bool
) -> None:
    monkeypatch.setattr(overseeing, "SHOWN_AT_ONCE", 2)
    monkeypatch.setattr(overseeing, "LOOKED_AT_ONCE", 4)
    meters = town(SEED, 9)
    homes = settle_all(ledger, meters)
    today = civil_day(ledger.clock())
    for path in write_nights(tmp_path / "late", meters[::3], [today - timedelta(days=9)]):
        take(ledger, path)
    ledger.shown.catch_up()
    overseer = overseer_of(ledger)
    if counted:
        overseer.count()
    seen, after, answers = [], None, 0
    while answers == 0 or after is not None:
        batch = overseer.collections(after=after, well_too=False)
        seen += [one.meter for one in batch.collections]
        after, answers = batch.following, answers + 1
    assert sorted(seen) == sorted(home.meter for home in homes[::3])
    assert answers <= (3 if counted else 4)


def test_where_the_count_found_nothing_nothing_is_looked_through(ledger: Installation) -> None:
    settle_all(ledger, town(SEED, 2))
    ledger.shown.catch_up()
    overseer = overseer_of(ledger)
    overseer.count()
    assert overseer.totals is not None
    assert list(overseer.totals.watched) == []
    assert overseer.collections(after=None, well_too=False).following is None


def test_totals_are_counted_anew_when_they_are_old_and_not_before(
    place: Place, tmp_path: Path
) -> None:
    with place.open() as installation:
        start = now = installation.clock()
    with open_ledger(place.settings, clock=lambda: now) as ledger:
        overseer = overseer_of(ledger)
        assert overseer.is_due
        overseer.count()
        furnish(ledger, tmp_path)
        overseer.count()
        assert overseer.totals is not None
        assert (overseer.is_due, overseer.totals.by_operator) == (False, {})
        now = start + COUNTED_EVERY + timedelta(seconds=1)
        overseer.count()
        assert (overseer.totals.counted_at, overseer.is_due) == (now, False)
        assert overseer.totals.by_operator["enedis"][Freshness.LATE] == 1


def test_many_who_ask_at_once_count_once(ledger: Installation, tmp_path: Path) -> None:
    furnish(ledger, tmp_path)
    overseer, started = overseer_of(ledger), threading.Barrier(4)
    seen = set()

    def ask() -> None:
        started.wait()
        overseer.count()
        seen.add(id(overseer.totals))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen - {id(None)} == {id(overseer.totals)}


def test_files_are_counted_by_what_became_of_them_beside_the_alarms(
    ledger: Installation,
) -> None:
    at = ledger.clock() - timedelta(days=1)
    for state, reason in ((State.TAKEN_IN, None), (State.PARKED, "no_key_fits")):
        file = Arrival(
            id=new_id(), operator="enedis", slot=None, delivery=new_id(), size_bytes=1, at=at
        )
        ledger.arrivals.note(file)
        ledger.arrivals.settle(file.id, state, reason)
    files = overseer_of(ledger).files()
    assert files.by_operator == {"enedis": {State.TAKEN_IN: 1, State.PARKED: 1}}
    assert [one.trouble for one in files.alarms] == [Trouble.NOTHING_DECRYPTED]
