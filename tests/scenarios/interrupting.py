"""Kill the process that destroys keys at a named point, and let another one end what it began."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from metroledger.bootstrap import open_ledger
from metroledger.settings import KEY_BACKUP
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import ORIGIN, ROOT
from tests.scenarios import actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerProcess

    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Place
    from tests.scenarios.actor import Work

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


def points_of(place: Place, work: Work) -> tuple[str, ...]:
    """Carry a work out undisturbed, and return the points it passes, in their order.

    So whatever the protocol says it has done is a point, and a new step of it is one too.
    """
    passed: list[str] = []
    with open_ledger(place.settings, clock=work.clock) as installation:
        actor.carry_out(installation, work, passed.append)
    return tuple(passed)


def kill_at(place: Place, work: Work, point: str) -> None:
    """Let a process carry a work out that is killed at a point."""
    with _forked(actor.carry_out_until, place.settings, work, point) as process:
        process.join(_PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL, f"it did not pass {point!r}"


def kill_after(place: Place, work: Work, after_s: float) -> bool:
    """Kill it at a moment after it is ready; say whether that was before its end."""
    ready, go = _FORKS.Pipe(duplex=False)
    with _forked(actor.carry_out_when_told, place.settings, work, go) as process:
        assert ready.poll(_PATIENCE_S)
        process.join(after_s)
        process.kill()
        process.join()
    return process.exitcode == -signal.SIGKILL


def keep_up(place: Place, work: Work) -> None:
    """Let a process do a round of upkeep, which ends a work where nobody looks."""
    with _forked(actor.keep_up, place.settings, work) as process:
        process.join(_PATIENCE_S)
    assert process.exitcode == 0


@contextlib.contextmanager
def _forked(target: Callable[..., None], *arguments: object) -> Iterator[ForkServerProcess]:
    process = _FORKS.Process(target=target, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def topics(installation: Installation) -> Counter[str]:
    """Return how many entries of each type the log holds."""
    commits = Refold(installation.log, ORIGIN).commits()
    frames = (frame for one in commits for frame in one.record.frames)
    return Counter(decode_leaf(frame.leaf).type for frame in frames)


def count(installation: Installation, event: type[Event]) -> int:
    """Return how many events of a type the log holds."""
    return topics(installation)[event.TOPIC]
