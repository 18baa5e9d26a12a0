"""What is past its period is destroyed by runs that anybody may end, and stays told."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from application import answering, erasure, retention, viewing
from application.services import new_id
from application.upkeep import look_after
from domain.aggregates import retention as runs
from domain.aggregates.consumption import HeldBack
from domain.events import Change
from domain.events.retention import RetentionOrdered
from domain.policies.coverage import Uncovered
from domain.policies.retention import Periods
from domain.values import Matter
from keys.names import KeyName, Purpose
from metroledger.bootstrap import administrator, open_ledger
from metroledger.periods import NotPeriods
from metroledger.settings import read_settings
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64
from tests.application.world import closed, opened, settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from application.transact import Loading
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

OLD, NEW = date(2092, 6, 1), date(2094, 6, 1)
"""Days measured: with two years for everything, the first is past on 1 January 2095."""
NIGHTS: Final = 3
BEFORE, AFTER = datetime(2094, 12, 31, 20, tzinfo=UTC), datetime(2095, 1, 1, 3, tzinfo=UTC)
METERS = town(7, 2)
TWO_YEARS = "daily_index=2,load_curve=2,maximum_power=2,looks=2,deliveries=2"


@contextmanager
def at(place: Place, instant: datetime) -> Iterator[Installation]:
    """The ledger as it is open at an instant, keeping everything for two years."""
    settings = read_settings({**place.told, "METROLEDGER_RETENTION": TWO_YEARS})
    with open_ledger(settings, clock=lambda: instant) as ledger:
        yield ledger


@pytest.fixture
def homes(place: Place, tmp_path: Path) -> list[Household]:
    """Two homes with readings of 2022 and of 2024, taken in while both were kept."""
    with at(place, BEFORE) as ledger:
        homes = [settle(ledger, meter.number) for meter in METERS]
        for first in (OLD, NEW):
            days = [first + timedelta(n) for n in range(NIGHTS)]
            for path in write_nights(tmp_path / str(first), METERS, days):
                take(ledger, path)
        ledger.shown.catch_up()
    return homes


def shown(ledger: Installation, home: Household, day: date) -> list[tuple[int | None, str | None]]:
    """The days between a night's indexes: the first is read at the end of the first day."""
    access = viewing.authorise(ledger.services, home.account, home.consents[0])
    pieces = viewing.consumption(
        ledger.services, access, day + timedelta(1), day + timedelta(NIGHTS - 1)
    )
    return [(one.energy_wh, one.held) for one in pieces]


def night(ledger: Installation) -> int:
    return look_after(ledger.services, ledger.cursors).past_destroyed


def key_of(ledger: Installation, home: Household, year: int) -> bool:
    name = KeyName(
        owner=home.account, purpose=Purpose.READINGS, consent=home.consents[0], year=year
    )
    return name in ledger.keys.find([name])


def test_on_new_year_the_years_past_are_destroyed_and_shown_as_removed(
    place: Place, homes: list[Household]
) -> None:
    with at(place, BEFORE) as ledger:
        assert night(ledger) == 0
        before = [shown(ledger, home, OLD) for home in homes]
        assert all(energy for days in before for energy, _ in days)
    with at(place, AFTER) as ledger:
        assert night(ledger) == 1, "one run over everybody's"
        for home in homes:
            assert shown(ledger, home, OLD) == [(None, HeldBack.REMOVED)]
            assert all(energy for energy, _ in shown(ledger, home, NEW))
            assert [key_of(ledger, home, year) for year in (2092, 2094)] == [False, True]
        assert look_after(ledger.services, ledger.cursors).idle, "and once"


def test_both_audits_pass_and_say_how_many_readings_were_destroyed(
    place: Place, homes: list[Household]
) -> None:
    with at(place, AFTER) as ledger:
        whole = opened(ledger)
        night(ledger)
        assert closed(ledger).passed
        after = opened(ledger)
        assert whole.passed
        assert after.passed
        assert (whole.erased, after.erased) == (0, len(homes) * NIGHTS)


def test_a_run_has_its_certificate_which_answers_the_order_key_for_key(
    place: Place, homes: list[Household]
) -> None:
    with at(place, AFTER) as ledger:
        before = ledger.keys.epoch().generation
        night(ledger)
        (run,) = retention.runs(ledger.services)
        assert run.ordered.matter is Matter.DAILY_INDEX
        assert (run.ordered.last_year, run.ordered.keys) == (2092, len(homes))
        assert run.certificate is not None
        assert run.certificate.root == run.ordered.root
        assert run.certificate.epoch == ledger.keys.epoch().generation == before + 1
        assert run.certificate.tree_size_before < run.certificate.tree_size_after == run.leaf


def test_nothing_of_a_destroyed_year_stays_in_the_pages(
    place: Place, homes: list[Household]
) -> None:
    with at(place, AFTER) as ledger:
        night(ledger)
        (consent,) = homes[0].consents
        held = ledger.shown.store.held(consent)
        assert (len(held.slips), len(held.pages)) == (NIGHTS, 0), "of twice as many"
        digest = ledger.shown.digest()
        assert ledger.shown.rebuild().digest() == digest


def test_a_year_that_is_not_past_any_more_cannot_come_back(
    place: Place, homes: list[Household], tmp_path: Path
) -> None:
    with at(place, AFTER) as ledger:
        night(ledger)
        (path,) = write_nights(tmp_path / "late", METERS, [OLD + timedelta(10)])
        taken = take(ledger, path)
        assert taken.counts[Uncovered.PAST_RETENTION] == len(homes)
        assert closed(ledger).passed


def test_who_is_held_by_a_duty_to_keep_keeps_everything_until_it_is_lifted(
    place: Place, homes: list[Household]
) -> None:
    held, free = homes
    with at(place, AFTER) as ledger:
        services, actor = ledger.services, administrator(ledger)
        erasure.request(services, held.account, actor)
        answering.hold(services, held.account, actor, reason="a court asked")
        assert retention.order(services) == retention.carry_out(services) == 1
        assert [key_of(ledger, home, 2092) for home in homes] == [True, False]
        answering.lift(services, held.account, actor)
        assert retention.order(services) == retention.carry_out(services) == 1
        assert not key_of(ledger, held, 2092)
        assert key_of(ledger, free, 2094)


STEPS: Final = ("ordered", "keys destroyed", "pages purged", "epoch ended", "certified")


def test_a_run_waits_for_whoever_is_held_since_it_was_ordered(
    place: Place, homes: list[Household]
) -> None:
    held, free = homes
    with at(place, AFTER) as ledger:
        services, actor = ledger.services, administrator(ledger)
        assert retention.order(services) > 0
        erasure.request(services, held.account, actor)
        answering.hold(services, held.account, actor, reason="a court asked")
        retention.carry_out(services)
        assert key_of(ledger, held, 2092)
        answering.lift(services, held.account, actor)
        retention.carry_out(services)
        assert not key_of(ledger, held, 2092)
        assert not key_of(ledger, free, 2092)


@pytest.mark.parametrize("stop", STEPS)
def test_a_run_that_dies_at_a_step_is_ended_by_the_next_round(
    place: Place, homes: list[Household], stop: str
) -> None:
    class Dead(BaseException):
        """The process is gone."""

    def die(step: str) -> None:
        if step == stop:
            raise Dead

    with at(place, AFTER) as ledger, pytest.raises(Dead):
        retention.keep_to_periods(ledger.services, daily=True, step=die)
    with at(place, AFTER) as ledger:
        night(ledger)
        (run,) = retention.runs(ledger.services)
        assert run.certificate is not None
        assert run.certificate.keys == len(homes)
        assert shown(ledger, homes[0], OLD) == [(None, HeldBack.REMOVED)]
        assert opened(ledger).passed
        assert look_after(ledger.services, ledger.cursors).idle


def test_two_who_look_at_once_order_one_run(place: Place, homes: list[Household]) -> None:
    with at(place, AFTER) as one, at(place, AFTER) as other:
        retention.order(one.services)
        retention.order(other.services)
        assert len(retention.runs(one.services)) == 1
        assert retention.carry_out(other.services) == 1
        assert retention.carry_out(one.services) == 0
        assert len(homes) == retention.runs(one.services)[0].ordered.keys


def test_an_order_that_no_decision_of_ours_wrote_destroys_nothing_and_holds_nobody_up(
    place: Place, homes: list[Household]
) -> None:
    with at(place, AFTER) as ledger:
        services = ledger.services
        ids = sorted(one.bytes for one in services.keys.keys_of(homes[0].account).values())
        forge(ledger, ids)
        assert night(ledger) == 1, "ours alone"
        assert key_of(ledger, homes[0], 2094)
        (foreign,) = [one for one in retention.runs(services) if one.certificate is None]
        assert foreign.ordered.keys == len(ids)
        forge(ledger, ids, foreign.id)
        forge(ledger, ids[:1] * 2)
        assert len(retention.runs(services)) == 2, "a second order is none, nor a false one"


def forge(ledger: Installation, ids: list[bytes], stream: UUID | None = None) -> None:
    """Append an order over living keys that are past no period."""
    wanted = RetentionOrdered(
        matter=Matter.DAILY_INDEX,
        last_year=2099,
        keys=len(ids),
        root=b64(root(map(leaf_hash, ids))),
    )

    def decide(load: Loading) -> list[Change]:
        of = stream or new_id()
        load(runs, of)
        return [Change(stream=of, event=wanted)]

    context = ledger.services.context(None, **{RetentionOrdered.TOPIC: b"".join(ids)})
    ledger.ledger.transact(new_id(), decide, context=context)


def test_the_erasure_of_somebody_whose_years_were_destroyed_is_whole(
    place: Place, homes: list[Household]
) -> None:
    home = homes[0]
    with at(place, AFTER) as ledger:
        night(ledger)
        services, actor = ledger.services, administrator(ledger)
        erasure.request(services, home.account, actor)
        erasure.check_identity(services, home.account, actor, means="seen")
        erasure.validate(services, home.account, actor)
        erasure.erase(services, home.account, actor)
        assert ledger.keys.keys_of(home.account) == {}
        assert opened(ledger).passed


def test_a_delivery_is_known_again_while_its_year_is_kept(
    place: Place, homes: list[Household]
) -> None:
    later = datetime(2097, 1, 1, 3, tzinfo=UTC)
    with at(place, later) as ledger:
        night(ledger)
        matters = [run.ordered.matter for run in retention.runs(ledger.services)]
        assert sorted(matters) == [Matter.DAILY_INDEX, Matter.DELIVERIES]
        assert homes
        assert opened(ledger).passed


def test_who_looked_is_kept_for_its_own_years(place: Place, homes: list[Household]) -> None:
    home = homes[0]
    with at(place, BEFORE) as ledger:
        name = KeyName(owner=home.account, purpose=Purpose.ACCESS, year=2092)
        ledger.keys.mint([name, KeyName(owner=home.account, purpose=Purpose.ACCESS, year=2094)])
    with at(place, AFTER) as ledger:
        night(ledger)
        left = [one for one in ledger.keys.keys_of(home.account) if one.purpose is Purpose.ACCESS]
        assert [one.year for one in left] == [2094]
        assert ledger.keys.destroyed([name]) == {name}


def test_the_command_shows_the_periods_and_destroys_at_once(place: Place, tmp_path: Path) -> None:
    kept_long = replace(place, also={"METROLEDGER_RETENTION": "daily_index=20"})
    with kept_long.open() as ledger:
        settle(ledger, METERS[0].number)
        for path in write_nights(tmp_path / "old", METERS[:1], [date(2020, 3, 1)]):
            take(ledger, path)
    assert "daily_index     3 years after its own" in place.run("retention", "show").out
    assert kept_long.run("retention", "run").out == "nothing is past its period\n"
    assert place.run("retention", "run").out == "1 runs carried out\n"
    said = place.run("retention", "show").out
    assert "1 keys  carried out: certificate at leaf" in said
    assert '"matter": "daily_index"' in place.run("retention", "show", "--json").out


@pytest.mark.parametrize(
    "said", ["daily_index", "load_curve=0", "weather=2", "looks=21", "looks=x"]
)
def test_periods_that_are_none_stop_the_start(said: str) -> None:
    with pytest.raises(NotPeriods, match="looks=3"):
        read_settings({"METROLEDGER_RETENTION": said})


def test_a_matter_that_is_not_named_has_its_default() -> None:
    periods = read_settings({"METROLEDGER_RETENTION": " load_curve=1 ,looks=5"}).periods
    assert periods.years == {**Periods().years, Matter.LOAD_CURVE: 1, Matter.LOOKS: 5}


def test_settings_travel_to_another_process() -> None:
    """Benchmarks and workers are given them as they are."""
    settings = read_settings({})
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes
