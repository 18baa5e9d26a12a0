"""An erasure that is killed, and ended by the next process: what must be so at each moment."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from application import answering, notices
from application.erasure import NoCertificate, certificate_of
from domain.events.account import AccountErased, DestructionOrdered
from domain.events.notice import NoticeQueued
from domain.values import Category
from projections.requests import Outcome
from tests.application.world import SEED, closed, opened, series_of, settle, take, write_nights
from tests.scenarios import actor, interrupting
from tests.scenarios.actor import Work
from tests.scenarios.erasing import ask_for_erasure
from tests.scenarios.interrupting import count

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NIGHTS: Final = 2
_BOTH: Final = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)


def prepare(place: Place, directory: Path) -> tuple[Household, Household]:
    """Let two people be read, and one of them ask to be erased; the request is validated."""
    meters = town(SEED, 2)
    with place.open() as installation:
        leaving = settle(installation, meters[0].number, categories=_BOTH)
        staying = settle(installation, meters[1].number)
        for night in write_nights(directory, meters, [date(2026, 3, 1), date(2026, 3, 2)]):
            take(installation, night)
        ask_for_erasure(installation, leaving)
    return leaving, staying


def points_of(place: Place, leaving: Household) -> tuple[str, ...]:
    """Carry an erasure out undisturbed, and return the points it passes, each once."""
    passed = interrupting.points_of(place, _work(leaving))
    return tuple(point for point in passed if not point.endswith(")"))


def erase_through_a_kill(place: Place, point: str, leaving: Household, staying: Household) -> None:
    """Kill an erasure at a point and check that it was no success; end it, and check that it is."""
    interrupting.kill_at(place, _work(leaving), point)
    _end(place, leaving, staying)


def erase_through_a_moment(
    place: Place, after_s: float, leaving: Household, staying: Household
) -> bool:
    """The same at a moment after the process is ready; say whether it was killed before its end."""
    killed = interrupting.kill_after(place, _work(leaving), after_s)
    _end(place, leaving, staying)
    return killed


def _work(leaving: Household) -> Work:
    return Work(carry_out=partial(actor.erase, leaving.account))


def _end(place: Place, leaving: Household, staying: Household) -> None:
    with place.open() as installation:
        _check_nothing_early(installation, leaving.account)
    interrupting.keep_up(place, _work(leaving))
    with place.open() as installation:
        _check_finished(installation, leaving, staying)


def _check_nothing_early(installation: Installation, owner: UUID) -> None:
    """What a killed erasure left says no more than what is so: to people, and to the audits."""
    ended = count(installation, AccountErased)
    if not ended:
        with pytest.raises(NoCertificate):
            certificate_of(installation.services, owner)
    else:
        assert not installation.keys.keys_of(owner)
        assert len(installation.keys._gate.keyring.epochs()) == 1
    told = answering.request_of(installation.services, owner)
    assert told is not None
    assert told.outcome is not Outcome.ERASED or ended
    assert closed(installation).passed
    assert opened(installation).passed, "no key is gone whose destruction no leaf orders"


def _check_finished(installation: Installation, leaving: Household, staying: Household) -> None:
    assert count(installation, DestructionOrdered) == count(installation, AccountErased) == 1
    assert certificate_of(installation.services, leaving.account).certificate.keys > 1
    _check_notice(installation, leaving)
    assert not installation.keys.keys_of(leaving.account)
    assert len(installation.keys.keys_of(staying.account)) > 1
    assert closed(installation).passed
    assert opened(installation).passed
    assert not series_of(installation, leaving.consents[0]).rows
    assert len(series_of(installation, staying.consents[0]).rows) == NIGHTS


def _check_notice(installation: Installation, leaving: Household) -> None:
    """Its operator is told of the meter, in one notice that outlives the account."""
    assert count(installation, NoticeQueued) == 1
    ((notice, _),) = installation.register.read().notices.items()
    told = notices.told_of(installation.services, notice)
    assert told is not None
    (point,) = told.points
    assert point.number == leaving.number
    index = installation.keys.index
    assert [one.owner for one in index.find(notices.lookup(point))] == [notice]
    assert not index.reserved()
