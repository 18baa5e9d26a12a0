"""A retention run that is killed, and ended by the next process: what must be so at each moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from application import answering, erasure, retention
from application.certifying import certificate
from application.erasure import NoCertificate
from application.orders import ordered_ids
from application.upkeep import look_after
from domain.events.retention import RetentionCarriedOut, RetentionOrdered
from domain.values import Category, Matter
from keys.names import Purpose
from metroledger.bootstrap import administrator
from proofs.certificate import verify_certificate
from tests.application.test_certifying import press
from tests.application.test_retention import AFTER, BEFORE, NEW, NIGHTS, OLD, TWO_YEARS, at
from tests.application.world import SEED, closed, opened, series_of, settle, take, write_nights
from tests.scenarios import actor, interrupting
from tests.scenarios.actor import Work
from tests.scenarios.interrupting import topics, with_a_backup

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from domain.aggregates.reading import Key, Taken
    from keys.names import KeyName
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

MATTERS: Final = (Matter.DAILY_INDEX, Matter.MAXIMUM_POWER)
"""A run of each is ordered."""
_CATEGORIES: Final = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)
_HOMES: Final = 3

Keys = dict["KeyName", "UUID"]
Rows = dict["Key", "tuple[Taken, ...]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Homes that were read in two years of which one is past, and all that they had then.

    The last of them is held by a duty to keep. `keys` are by owner, `rows` by consent.
    """

    homes: Sequence[Household]
    keys: Mapping[UUID, Keys]
    rows: Mapping[UUID, Rows]
    topics: Counter[str]
    epoch: int

    @property
    def held(self) -> Household:
        return self.homes[-1]


def after() -> datetime:
    """The clock by which a year is past."""
    return AFTER


WORK: Final = Work(carry_out=actor.keep_to_periods, clock=after)


def two_years(place: Place) -> Place:
    """The same place, which keeps everything for two years, and a copy of its key store."""
    kept = with_a_backup(place)
    return replace(kept, also={**kept.also, "METROLEDGER_RETENTION": TWO_YEARS})


def prepare(place: Place, directory: Path) -> Kept:
    """Let three homes be read while both years are kept; one of them comes to be held."""
    meters = town(SEED, _HOMES)
    with at(place, BEFORE) as ledger:
        homes = [settle(ledger, meter.number, categories=_CATEGORIES) for meter in meters]
        for first in (OLD, NEW):
            days = [first + timedelta(n) for n in range(NIGHTS)]
            for night in write_nights(directory / str(first.year), meters, days):
                take(ledger, night)
        by = administrator(ledger)
        erasure.request(ledger.services, homes[-1].account, by)
        answering.hold(ledger.services, homes[-1].account, by, reason="a court asked")
        look_after(ledger.services, ledger.cursors)
        owners = [ledger.services.territory, *(home.account for home in homes)]
        return Kept(
            homes=homes,
            keys={owner: ledger.keys.keys_of(owner) for owner in owners},
            rows={one: _rows(ledger, one) for home in homes for one in home.consents},
            topics=topics(ledger),
            epoch=ledger.keys.epoch().generation,
        )


def points_of(place: Place) -> tuple[str, ...]:
    """Carry the runs out undisturbed, and return the points they pass, in their order."""
    return interrupting.points_of(two_years(place), WORK)


def retain_through_a_kill(place: Place, point: str, kept: Kept) -> None:
    """Kill the runs at a point and check that none is told early; end them, and check them."""
    interrupting.kill_at(two_years(place), WORK, point)
    _end(two_years(place), kept)


def retain_through_a_moment(place: Place, after_s: float, kept: Kept) -> bool:
    """The same at a moment after the process is ready; say whether it was killed before its end."""
    killed = interrupting.kill_after(two_years(place), WORK, after_s)
    _end(two_years(place), kept)
    return killed


def _end(place: Place, kept: Kept) -> None:
    with at(place, AFTER) as ledger:
        _check_nothing_early(ledger, kept)
    interrupting.keep_up(place, WORK)
    with at(place, AFTER) as ledger:
        _check_finished(ledger, kept)


def _check_nothing_early(ledger: Installation, kept: Kept) -> None:
    """What killed runs left says no more than what is so: to whoever asks, and to the audits."""
    for run in retention.runs(ledger.services):
        if run.certificate is None:
            with pytest.raises(NoCertificate):
                certificate(ledger.services, press(ledger), run.id)
        else:
            assert not ledger.keys.fetch(ordered_ids(ledger.services, run.id, RetentionOrdered))
            assert kept.epoch < run.certificate.epoch <= ledger.keys.epoch().generation
    for owner, keys in kept.keys.items():
        gone = keys.keys() - ledger.keys.keys_of(owner).keys()
        assert gone <= _past(kept, owner).keys()
    _check_rows(ledger, kept, ended=False)
    assert closed(ledger).passed
    assert opened(ledger).passed, "no key is gone whose destruction no leaf orders"


def _check_finished(ledger: Installation, kept: Kept) -> None:
    runs = retention.runs(ledger.services)
    assert sorted(run.ordered.matter for run in runs) == sorted(MATTERS)
    for run in runs:
        file = certificate(ledger.services, press(ledger), run.id)
        says = verify_certificate(file, [ledger.verifier]).says
        assert (says["scope"], says["matter"]) == ("retention", run.ordered.matter)
        assert says["keys_destroyed"] == len(kept.homes) - 1
        assert not ledger.keys.fetch(ordered_ids(ledger.services, run.id, RetentionOrdered))
    written = topics(ledger) - kept.topics
    assert written == {RetentionOrdered.TOPIC: len(runs), RetentionCarriedOut.TOPIC: len(runs)}
    for owner, keys in kept.keys.items():
        left = dict(keys.items() - _past(kept, owner).items())
        assert ledger.keys.keys_of(owner) == left
    _check_rows(ledger, kept, ended=True)
    _check_slips(ledger, kept)
    assert closed(ledger).passed
    assert opened(ledger).passed
    assert look_after(ledger.services, ledger.cursors).idle


def _check_rows(ledger: Installation, kept: Kept, *, ended: bool) -> None:
    """What is not of the runs reads as before them; what is, not any more once they are ended."""
    for home in kept.homes:
        for consent in home.consents:
            rows, before = _rows(ledger, consent), kept.rows[consent]
            past = {} if home is kept.held else _of_the_past(before)
            assert dict(before.items() - past.items()).items() <= rows.items() <= before.items()
            assert not ended or not rows.keys() & past.keys()


def _check_slips(ledger: Installation, kept: Kept) -> None:
    """Of what is shown only the slips of nights that are kept lie in the database."""
    for home in kept.homes:
        nights = NIGHTS if home is not kept.held else 2 * NIGHTS
        for consent in home.consents:
            assert len(ledger.shown.store.held(consent).slips) == nights


def _past(kept: Kept, owner: UUID) -> Keys:
    """Return the keys of an owner that the runs are over."""
    if owner == kept.held.account:
        return {}
    of_readings = ((name, one) for name, one in kept.keys[owner].items() if name.year == OLD.year)
    return {name: one for name, one in of_readings if name.purpose is Purpose.READINGS}


def _of_the_past(rows: Rows) -> Rows:
    return {key: taken for key, taken in rows.items() if key.start.year == OLD.year}


def _rows(ledger: Installation, consent: UUID) -> Rows:
    return dict(series_of(ledger, consent).rows)
