"""`metroledger demo-portal`: a metropolis in a browser, on a real ledger, in seconds.

Everything is real but the people and the operator: the database, the processes of
`metroledger run`, the drop box and its SFTP, the encrypted files. It runs until Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from datetime import timedelta
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import asyncssh

from adapters.dso.enedis.crypto import Keyring, format_keyring
from adapters.dso.enedis.nights import History, parcels, runs, simulated_keyring
from adapters.dso.enedis.pushing import Pace, Target, push
from adapters.postgres.embedded import EmbeddedPostgres
from application.access import members
from application.access.members import Profile
from application.access.roles import StaffRole
from application.ingesting import ingest
from domain.errors import Refused, Unavailable
from domain.values import civil_day
from keys.files import write_durably
from metroledger import demo_homes
from metroledger.bootstrap import create_ledger, database_directory, now, open_ledger
from metroledger.cli.common import Commands, command, is_interruption
from metroledger.cli.running import PARTS, Watched, end_all, stopped_by_signals
from metroledger.demo_homes import HOMES, LIVE_NIGHTS, PASSWORD, SEED, Settled, Story, last_live_day
from metroledger.demo_stage import STAGE, clear_stage
from metroledger.kept import LOG, embedded_environment
from metroledger.log_opening import embedded_broker
from metroledger.operators import ENEDIS, enedis
from metroledger.settings import (
    HOME,
    MAIL_FROM,
    METROPOLIS,
    OPERATIONS,
    PUBLIC_URL,
    QUIET_SECONDS,
    SFTP,
    WEB,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings

ORIGIN: Final = "ledger.example.org/metropole"
LOOPBACK: Final = "127.0.0.1"
PREFERRED_PORT: Final = 8000
_INTERRUPTED: Final = 130
_PATIENCE_S: Final = 60.0


class PortTaken(Refused):
    """Somebody listens already where the portal was told to."""

    def __init__(self, port: int) -> None:
        """Take the port."""
        super().__init__(
            f"port {port} cannot be listened on here: it is taken, or not ours to take; name "
            "another, or none and a free one is found"
        )


class PartSilent(Unavailable):
    """A part of the demo does not come up."""

    def __init__(self, name: str) -> None:
        """Take the part's name."""
        super().__init__(
            f"the demo's {name} does not answer; {STAGE}/logs/{name}.log says why: correct it, "
            "and start the demo again"
        )


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    summary = "Run a metropolis of simulated homes, to be looked at in a browser."
    demo = command(commands, "demo-portal", _demo, summary)
    demo.add_argument("--port", type=int, help="of the portal; 8000, or a free one")
    demo.add_argument("--seconds", type=float, help="end by itself after so long (for tests)")


def _demo(asked: Settings, arguments: argparse.Namespace) -> int:
    if arguments.port is not None and not _is_free(arguments.port):
        raise PortTaken(arguments.port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends all, as Ctrl-C does
    try:
        with (
            clear_stage(STAGE, asked.topic) as settings,
            EmbeddedPostgres(database_directory(settings)),
            embedded_broker(settings),
        ):
            _play(settings, arguments)
    except BaseException as error:
        if not is_interruption(error):
            raise
        print("\nmetroledger: the demo was interrupted; nothing of it runs", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _play(settings: Settings, arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    say = _Teller(began)
    up = "the database and a Kafka are" if settings.topic else "the database is"
    say(f"{up} up; a ledger is opened")
    create_ledger(settings, ORIGIN)
    today = civil_day(now())
    homes = _settle(settings, today, say)
    environment = _environment(settings, arguments.port)
    _give_account(settings)
    with contextlib.ExitStack() as stack:
        (logs := STAGE / "logs").mkdir()
        parts = [Watched(name, PARTS[name], environment, logs / f"{name}.log") for name in PARTS]
        stack.callback(end_all, parts)
        for part in parts:
            part.start()
        _await_door("dropbox", environment[SFTP], parts)
        asyncio.run(_push(settings, environment[SFTP], today, say))
        _await_door("portal", environment[WEB], parts)
        _await_files(settings, say)
        with open_ledger(settings) as installation:
            demo_homes.live_out(installation, homes, say)
            link = _staff_link(installation, environment[PUBLIC_URL])
        stop = stack.enter_context(stopped_by_signals())
        _introduce(environment, homes, time.monotonic() - began)
        print("\nTo work here as an administrator, enrol with your phone's authenticator (once):")
        print(f"  {link}", flush=True)
        end = time.monotonic() + arguments.seconds if arguments.seconds else None
        while not stop.wait(0.2) and (end is None or time.monotonic() < end):
            for part in parts:
                part.look(time.monotonic())
    print("everything is stopped; it stays in var/demo until the next 'make demo'")


def _staff_link(installation: Installation, public_url: str) -> str:
    """Add an administrator; return the link by which whoever follows it enrols as them."""
    services, staff = installation.services, installation.staff
    profile = Profile("Dominique Exemple", "dominique@metropole.example")
    member = members.add(services, staff, profile, StaffRole.ADMINISTRATOR)
    return f"{public_url}/agents/inscription/{members.invite(services, staff, member)}"


class _Teller:
    """Prints a line with the seconds since the beginning."""

    def __init__(self, began: float) -> None:
        self._began = began

    def __call__(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:5.1f} s  {what}", flush=True)


def _settle(settings: Settings, today: date, say: _Teller) -> list[Settled]:
    """Open the homes' accounts, and take in a year of history for each."""
    texts = list(resources.files("metroledger").joinpath("texts").iterdir())
    homes = []
    with open_ledger(settings) as installation:
        demo_homes.found(installation, texts)
        for place, (home, meter) in enumerate(zip(HOMES, demo_homes.meters(), strict=False)):
            settled = demo_homes.settle(installation, home, meter)
            homes.append(settled)
            for name, content in demo_homes.history_of(settled, place, today):
                ingest(installation.services, enedis(Keyring(keys=())), name, content)
            say(f"{home.title}: account, meter, consent, and a year of history")
        installation.shown.catch_up()
        while installation.shown.compact():
            pass
    return homes


def _environment(settings: Settings, port: int | None) -> dict[str, str]:
    """Return what the processes are told: where the ledger is, and free ports on loopback."""
    web = _free(PREFERRED_PORT) if port is None else port
    return {
        **{
            name: value for name, value in os.environ.items() if not name.startswith("METROLEDGER_")
        },
        HOME: str(settings.home),
        **embedded_environment(settings.topic),
        WEB: f"{LOOPBACK}:{web}",
        PUBLIC_URL: f"http://{LOOPBACK}:{web}",
        METROPOLIS: "Métropole (démonstration)",
        MAIL_FROM: "ne-pas-repondre@metropole.example",
        OPERATIONS: f"{LOOPBACK}:{_free(9464)}",
        SFTP: f"{LOOPBACK}:{_free()}",
        QUIET_SECONDS: "1",
    }


def _free(preferred: int = 0) -> int:
    """Return a port of loopback that nobody listens on, the preferred one if it is free."""
    if preferred and _is_free(preferred):
        return preferred
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((LOOPBACK, port)):
            return True
    except (OSError, OverflowError):
        return False


def _give_account(settings: Settings) -> None:
    """Give the simulated operator an account at the drop box, and take its decryption keys."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    write_durably(STAGE / "operator.key", key.export_private_key())
    accounts = settings.dropbox.accounts
    accounts.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(accounts / f"{ENEDIS}.pub", key.export_public_key())
    settings.operator_keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = format_keyring(simulated_keyring(SEED)).encode()
    write_durably(settings.operator_keys / f"{ENEDIS}.json", keyring)


async def _push(settings: Settings, address: str, today: date, say: _Teller) -> None:
    """Let the operator push the last nights over SFTP."""
    host, _, port = address.rpartition(":")
    target = Target(
        host=host,
        port=int(port),
        account=ENEDIS,
        directory=PurePosixPath("/"),
        key=STAGE / "operator.key",
        host_key=_known_host(settings),
    )
    last = last_live_day(today)
    first = last - timedelta(days=LIVE_NIGHTS - 1)
    history = History(seed=SEED, town=tuple(demo_homes.meters()))
    keyring = simulated_keyring(SEED)
    for run in runs(history, first, last):
        async for pushed in push(parcels(run, keyring), target, Pace()):
            say(f"Enedis pushes {pushed.parcel.name} ({len(pushed.parcel.content):,} bytes)")


def _known_host(settings: Settings) -> Path:
    """Return the drop box's public key, as the operator was given it."""
    known = STAGE / "host_key.pub"
    key = asyncssh.read_private_key(settings.dropbox.host_key)
    write_durably(known, key.export_public_key())
    return known


def _await_door(name: str, address: str, parts: Sequence[Watched]) -> None:
    """Wait until a part listens; parts that die are started again meanwhile."""
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 0.2):
            return
        for part in parts:
            part.look(time.monotonic())
        time.sleep(0.05)
    raise PartSilent(name)


def _await_files(settings: Settings, say: _Teller) -> None:
    """Wait until every file that was pushed is taken in and shown."""
    incoming = settings.dropbox.place / "incoming" / ENEDIS
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and any(incoming.iterdir()):
        time.sleep(0.1)
    say("every file is decrypted, checked against the consents, and taken in")


def _introduce(environment: Mapping[str, str], homes: Sequence[Settled], seconds: float) -> None:
    log = f" {LOG}={environment[LOG]}" if LOG in environment else ""
    print(
        f"""
Ready after {seconds:.0f} s. Open {environment[PUBLIC_URL]} in a browser, and sign in as one of
these; the password of all is: {PASSWORD}
"""
    )
    for settled in homes:
        gone = ": nobody can sign in any more" if settled.home.story is Story.ERASED else ""
        print(f"  {settled.home.email:24} {settled.home.title}{gone}")
    print(
        f"""
Or sign up with an address of your own: letters are files in {STAGE}/ledger/outbox.
Figures: http://{environment[OPERATIONS]}/metrics   Logs: {STAGE}/logs   Ctrl-C ends everything.
To look around meanwhile, in another terminal:
  export {HOME}={STAGE}/ledger{log}
  .venv/bin/python -m metroledger freshness --all
  .venv/bin/python -m metroledger files
  .venv/bin/python -m metroledger audit""",
        flush=True,
    )
