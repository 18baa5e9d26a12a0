"""What is fresh, late or missing is told by days, with the reason as far as it is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application.consenting import withdraw_consent
from application.freshness import Collected, Freshness, Why, freshness, judge, of_account
from domain.aggregates.consent import Origin
from domain.values import civil_day, midnight
from tests.application.world import SEED, settle_all, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation

TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "state"),
    [(2, Freshness.FRESH), (3, Freshness.FRESH), (4, Freshness.LATE), (40, Freshness.LATE)],
)
def test_a_day_that_is_absent_on_the_third_day_after_it_is_late(last: int, state: str) -> None:
    collected = Collected(
        since=TODAY - timedelta(days=90),
        last_day=TODAY - timedelta(days=last),
        suspended=False,
        delivered_at=None,
    )
    assert judge(collected, NOON)[0] == state


@pytest.mark.parametrize(
    ("since", "delivered", "expected"),
    [
        (2, None, (Freshness.AWAITED, None)),
        (3, None, (Freshness.MISSING, Why.NO_DELIVERY)),
        (3, 0, (Freshness.MISSING, Why.NOT_IN_DELIVERIES)),
        (3, 3, (Freshness.MISSING, Why.NO_DELIVERY)),
    ],
)
def test_why_nothing_came_is_told_by_whether_the_operator_delivered(
    since: int, delivered: int | None, expected: tuple[Freshness, Why | None]
) -> None:
    at = None if delivered is None else midnight(TODAY - timedelta(days=delivered))
    collected = Collected(
        since=TODAY - timedelta(days=since), last_day=None, suspended=False, delivered_at=at
    )
    assert judge(collected, NOON) == expected


def test_each_running_collection_is_told_and_none_that_ended(
    ledger: Installation, tmp_path: Path
) -> None:
    meters = town(SEED, 3)
    homes = settle_all(ledger, meters)
    today = civil_day(ledger.clock())
    late, fresh = today - timedelta(days=9), today - timedelta(days=2)
    for path in write_nights(tmp_path / "late", meters, [late]):
        take(ledger, path)
    for path in write_nights(tmp_path / "fresh", meters[:1], [fresh]):
        take(ledger, path)
    withdraw_consent(ledger.services, homes[2].consents[0], origin=Origin.RESIDENT)
    ledger.shown.catch_up()
    told = {one.meter: one for one in freshness(ledger.services).collections}
    assert {meter: (one.last_day, one.state) for meter, one in told.items()} == {
        homes[0].meter: (fresh, Freshness.FRESH),
        homes[1].meter: (late, Freshness.LATE),
    }
    assert told[homes[1].meter].why is Why.NOT_IN_DELIVERIES
    assert of_account(ledger.services, homes[0].account) == (told[homes[0].meter],)


def test_collections_are_told_account_by_account_without_missing_one(
    ledger: Installation,
) -> None:
    homes = settle_all(ledger, town(SEED, 5))
    ledger.shown.catch_up()
    seen, after = [], None
    while True:
        batch = freshness(ledger.services, after=after, accounts=2)
        seen += [one.meter for one in batch.collections]
        if (after := batch.following) is None:
            break
    assert sorted(seen) == sorted(home.meter for home in homes)
