"""Kill the process that erases at a named point, and let another one end what it began."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from application import answering, erasure, notices
from application.erasure import NoCertificate, certificate_of
from domain.events.account import AccountErased, DestructionOrdered
from domain.events.notice import NoticeQueued
from domain.values import Category
from metroledger.cli.offices import administrator
from metroledger.settings import KEY_BACKUP
from projections.requests import Outcome
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import (
    ORIGIN,
    ROOT,
    SEED,
    closed,
    opened,
    series_of,
    settle,
    take,
    write_nights,
)
from tests.scenarios import actor
from tests.scenarios.erasing import ask_for_erasure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path
    from uuid import UUID

    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NIGHTS: Final = 2
_BOTH: Final = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)
_PATIENCE_S: Final = 60
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([actor.__name__])


def start_actor(place: Place) -> subprocess.Popen[str]:
    """Start a process that obeys lines, and wait until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", actor.__name__],
        env=place.environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def with_a_backup(place: Place) -> Place:
    """The same place, whose key store is copied to another one as each epoch ends."""
    return replace(place, also={KEY_BACKUP: str(place.home / "elsewhere" / "keys.sqlite")})


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
    """Carry an erasure out undisturbed, and return the points it passes, in their order.

    So whatever the protocol says it has done is a point, and a new step of it is one too.
    """
    passed: list[str] = []
    with place.open() as installation:
        actor.announce(installation, passed.append)
        by = administrator(installation)
        erasure.erase(installation.services, leaving.account, by, step=passed.append)
    return tuple(dict.fromkeys(passed))


def erase_through_a_kill(place: Place, point: str, leaving: Household, staying: Household) -> None:
    """Kill an erasure at a point and check that it was no success; end it, and check that it is.

    It is ended by a round of upkeep, as it would be where nobody looks.
    """
    with _forked(actor.erase_until, place.settings, leaving.account, point) as process:
        process.join(_PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL, f"it did not pass {point!r}"
    _end(place, leaving, staying)


def erase_through_a_moment(
    place: Place, after_s: float, leaving: Household, staying: Household
) -> bool:
    """The same at a moment after the process is ready; say whether it was killed before its end."""
    ready, go = _FORKS.Pipe(duplex=False)
    with _forked(actor.erase_when_told, place.settings, leaving.account, go) as process:
        assert ready.poll(_PATIENCE_S)
        process.join(after_s)
        process.kill()
        process.join()
    _end(place, leaving, staying)
    return process.exitcode == -signal.SIGKILL


def _end(place: Place, leaving: Household, staying: Household) -> None:
    with place.open() as installation:
        _check_nothing_early(installation, leaving.account)
    with _forked(actor.keep_up, place.settings) as process:
        process.join(_PATIENCE_S)
    assert process.exitcode == 0
    with place.open() as installation:
        _check_finished(installation, leaving, staying)


@contextlib.contextmanager
def _forked(target: Callable[..., None], *arguments: object) -> Iterator[ForkServerProcess]:
    process = _FORKS.Process(target=target, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


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


def count(installation: Installation, event: type[Event]) -> int:
    """Return how many events of a type the log holds."""
    commits = Refold(installation.log, ORIGIN).commits()
    frames = (frame for one in commits for frame in one.record.frames)
    return sum(decode_leaf(frame.leaf).type == event.TOPIC for frame in frames)
