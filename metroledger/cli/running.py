"""`metroledger run`: everything a ledger needs, as processes that are watched over.

Each part is a command of its own and can run alone, on the same host or another; `run`
starts them, starts again what dies, waiting longer each time, and ends them in order. Any
of them may be killed at any moment: what it had answered is kept, and the next one goes on.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.http.serving import listen, turn_away
from adapters.postgres.embedded import EmbeddedPostgres
from application import arrivals, asking, inbox
from application.access import sessions
from application.telling import tell
from application.upkeep import look_after
from domain.errors import Corrupt, Unavailable
from domain.values import civil_day
from metroledger import logs
from metroledger.bootstrap import database_directory, open_ledger
from metroledger.cli.common import Commands, command
from metroledger.log_opening import embedded_broker
from metroledger.post import outbox_of, relay_of
from metroledger.settings import read_identity

if TYPE_CHECKING:
    import argparse
    import socket
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings

PORTAL: Final = "portal"
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "upkeep": ("upkeep",),
    "operations": ("operations",),
    PORTAL: ("serve",),
    "dropbox": ("dropbox",),
    "collect": ("collect",),
}
"""The parts by name, each the command that runs it."""

LETTERS_S: Final = 60.0
"""How often letters that the mail server did not take are sent again."""

ROUND_S: Final = 0.5
"""How long upkeep rests after a round that found nothing to do."""

INCOMPLETE_S: Final = 5.0
"""How long upkeep rests after a round in which something was found broken."""

_FOLLOW: Final = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGTERM)\n"  # PR_SET_PDEATHSIG
    "os.execv(sys.argv[1], sys.argv[1:])"
)
_FOLLOWING: Final = (sys.executable, "-I", "-S", "-c", _FOLLOW) if sys.platform == "linux" else ()
"""What starts a part so that it ends when this process dies, however it dies.

Else the parts of a `run` that was killed would keep its addresses from the next one. Not a
`preexec_fn`: what runs around a fork swallows the interruption that comes just then.
"""

_RESTART_MAX_S: Final = 30.0
_WAIT_S: Final = 1.0
"""How long who connects may wait for a process of the portal that is not started again yet."""

_ENDING_S: Final = 15.0


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    run = command(commands, "run", _run, "Run the ledger: all its parts, watched over.")
    run.add_argument(
        "--only", nargs="+", choices=sorted(PARTS), default=sorted(PARTS), help="these parts"
    )
    upkeep = command(commands, "upkeep", _upkeep, "Show, react, expire, file; end epochs daily.")
    upkeep.add_argument("--once", action="store_true", help="one round, then end")


def _upkeep(settings: Settings, arguments: argparse.Namespace) -> int:
    logs.set_up(sys.stderr)
    relay, letters_at = relay_of(settings), 0.0
    failed: dict[UUID, datetime] = {}
    with open_ledger(settings) as installation, stopped_by_signals() as stop:
        dropped_on = civil_day(installation.keys.epoch().since)  # as the day's epoch, which ends
        while True:
            if time.monotonic() >= letters_at:
                if relay is not None:
                    relay.send_waiting()
                outbox_of(settings).tidy()
                letters_at = time.monotonic() + LETTERS_S
            try:
                if (today := civil_day(installation.clock())) > dropped_on:
                    _drop_over(installation)
                    dropped_on = today
                done = look_after(installation.services, installation.cursors, failed)
            except (Unavailable, Corrupt) as error:
                if arguments.once:
                    raise
                _rest_after(error, stop)
            else:
                if done.idle and not arguments.once:
                    stop.wait(ROUND_S)
            if arguments.once or stop.is_set():
                return 0


def _drop_over(installation: Installation) -> None:
    """Drop what has had its days, once a day."""
    now = installation.clock()
    sessions.drop_over(installation.services, installation.access)
    arrivals.drop_over(installation.arrivals, now)
    asking.drop_over(installation.askings, now)
    inbox.drop_over(installation.inbox, now)


def _rest_after(error: Unavailable | Corrupt, stop: threading.Event) -> None:
    """Tell what kept a duty from being done, and rest: what is broken waits for a person."""
    if isinstance(error, Unavailable):
        tell("upkeep-waits", logging.WARNING, error=error)
        stop.wait(1.0)
    else:
        tell("upkeep-incomplete", logging.ERROR, error=error)
        stop.wait(INCOMPLETE_S)


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    read_identity(settings)
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            stack.enter_context(EmbeddedPostgres(database_directory(settings)))
        stack.enter_context(embedded_broker(settings))
        stop = stack.enter_context(stopped_by_signals())
        watched = [Watched(name, PARTS[name]) for name in arguments.only if name != PORTAL]
        stack.callback(end_all, watched)  # after the socket is closed: nobody waits at it then
        at = settings.portal.web
        listening = stack.enter_context(listen(at)) if PORTAL in arguments.only else None
        portal = portals(settings.portal.workers, listening) if listening else []
        watched += portal
        for one in watched:
            one.start()
            print(f"{one.name}: started", flush=True)
        while not stop.wait(0.2):
            now = time.monotonic()
            for one in watched:
                one.look(now)
            if listening and all(one.rests(now) for one in portal):
                turn_away(listening)
    return 0


def portals(workers: int, listening: socket.socket) -> list[Watched]:
    """Return the processes that answer as the portal, all at one socket.

    Who connects while one of them starts again is answered by another, or waits; while all of
    them rest for longer, because they die again and again, `run` turns away whoever comes.
    """
    shared = listening.fileno()
    return [
        Watched(
            PORTAL if number == 1 else f"{PORTAL} {number}",
            (*PARTS[PORTAL], "--worker", f"{number}", "--listening", f"{shared}"),
            shared=(shared,),
        )
        for number in range(1, workers + 1)
    ]


@dataclass(slots=True)
class Watched:
    """A part that runs in a process of its own, and how often it died of late.

    `environment` is what the process is told, this one's own unless given; `log` is where its
    standard error goes, this one's own too; `shared` are open files that it shares with us.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] | None = None
    log: Path | None = None
    shared: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    again_at: float | None = None

    def start(self) -> None:
        """Start the process."""
        command_line = [*_FOLLOWING, sys.executable, "-m", "metroledger", *self.arguments]
        with self.log.open("ab") if self.log else contextlib.nullcontext() as log:
            self.process = subprocess.Popen(
                command_line, env=self.environment, stderr=log, pass_fds=self.shared
            )
        self.started_at, self.again_at = time.monotonic(), None

    def look(self, now: float) -> None:
        """Start the process again when it has died, after a pause that doubles with each death."""
        if self.again_at is not None and now >= self.again_at:
            self.start()
            print(f"{self.name}: started again", flush=True)
        elif self.again_at is None and self.process and self.process.poll() is not None:
            self.deaths = 1 if now - self.started_at > _RESTART_MAX_S else self.deaths + 1
            pause = min(0.25 * 2**self.deaths, _RESTART_MAX_S)
            self.again_at = now + pause
            code = self.process.returncode
            print(f"{self.name}: ended with {code}; again in {pause:.1f} s", flush=True)

    def rests(self, now: float) -> bool:
        """Whether it has died so often that it is not started again within `_WAIT_S`."""
        return self.again_at is not None and self.again_at > now + _WAIT_S


def end_all(watched: Sequence[Watched]) -> None:
    """End every part: first ask, then insist."""
    running = [one.process for one in watched if one.process and one.process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _ENDING_S
    for process in running:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Lend an event that SIGINT and SIGTERM set, instead of ending the process where it stands."""
    stop = threading.Event()

    def ask(_signal: int, _frame: object) -> None:
        stop.set()

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
