"""Kill the process that erases at a named step, and let another one end what it began."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from application.erasure import NoCertificate, certificate_of
from domain.events.account import AccountErased, DestructionOrdered
from keys.store import STEPS as KEY_STEPS
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import ORIGIN, ROOT, closed, opened, series_of, settle
from tests.scenarios.erasing import ask_for_erasure

if TYPE_CHECKING:
    from uuid import UUID

    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

STEPS: Final = (
    "owner closed",
    "consents ended",
    "destruction ordered",
    *(step for step in KEY_STEPS if step != "epoch: backed up"),  # no backup place is set here
    "keys destroyed",
    "index forgotten",
    "epoch ended",
    "certified",
)


def start_actor(place: Place, *arguments: str) -> subprocess.Popen[str]:
    """Start a process that obeys lines, and wait until it is ready."""
    actor = subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.actor", *arguments],
        env=place.environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert actor.stdout is not None
    assert actor.stdout.readline() == "ready\n"
    return actor


def tell(actor: subprocess.Popen[str], line: str) -> None:
    assert actor.stdin is not None
    actor.stdin.write(line + "\n")
    actor.stdin.flush()


def hear(actor: subprocess.Popen[str]) -> str:
    assert actor.stdout is not None
    return actor.stdout.readline().strip()


def prepare(place: Place) -> tuple[Household, Household]:
    with place.open() as installation:
        leaving = settle(installation, "09111642617347")
        staying = settle(installation, "09111642617348")
        ask_for_erasure(installation, leaving)
    return leaving, staying


def erase_through_a_kill(place: Place, step: str, leaving: Household, staying: Household) -> None:
    """Kill an erasure at a step and check that it was no success; end it, and check that it is."""
    with start_actor(place, step) as actor:
        tell(actor, f"erase {leaving.account}")
        assert hear(actor) == "", "it died before it answered"
        assert actor.wait() == -9
    with place.open() as installation:
        _check_unfinished(installation, leaving.account, certified=step == "certified")
    said = place.run("erase", leaving.account)
    assert (said.code, said.err) == (0, "")
    assert "erased: certificate" in said.out
    with place.open() as installation:
        _check_finished(installation, leaving, staying)


def _check_unfinished(installation: Installation, owner: UUID, *, certified: bool) -> None:
    assert count(installation, AccountErased) == int(certified)
    if not certified:
        with pytest.raises(NoCertificate):
            certificate_of(installation.services, owner)
    assert closed(installation).passed


def _check_finished(installation: Installation, leaving: Household, staying: Household) -> None:
    assert count(installation, DestructionOrdered) == count(installation, AccountErased) == 1
    assert not installation.keys.keys_of(leaving.account)
    assert len(installation.keys.keys_of(staying.account)) > 1
    assert closed(installation).passed
    assert opened(installation).passed
    assert not series_of(installation, staying.consents[0]).rows


def count(installation: Installation, event: type[Event]) -> int:
    """Return how many events of a type the log holds."""
    commits = Refold(installation.log, ORIGIN).commits()
    frames = (frame for one in commits for frame in one.record.frames)
    return sum(decode_leaf(frame.leaf).type == event.TOPIC for frame in frames)
