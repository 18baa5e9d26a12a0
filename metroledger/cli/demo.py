"""`metroledger demo`: the whole story of one home, told with real commands.

Every step calls the command line in this process, so that the story takes seconds; the
database is real, stays up between the steps, and is stopped for the offline proof.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from adapters.postgres.embedded import EmbeddedPostgres
from domain.values import civil_day
from metroledger.bootstrap import database_directory, now
from metroledger.cli import run_command
from metroledger.cli.common import Commands, command, is_interruption
from metroledger.demo_deliveries import ENTRY_DAY, Deliveries, write_deliveries
from metroledger.demo_stage import STAGE, clear_stage
from metroledger.demo_telling import WIDTH, Telling
from metroledger.kept import embedded_environment
from metroledger.log_opening import embedded_broker
from metroledger.settings import HOME

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from metroledger.settings import Settings

INTERRUPTED: Final = 130
CONSENTS: Final = 3
"""The column of the checkpoints' table that counts the consents in force."""

ORIGIN: Final = "ledger.example.org/metropole"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What every chapter needs: how to tell, the files, the database to hold."""

    tell: Telling
    files: Deliveries
    texts: Path
    server: EmbeddedPostgres
    receipt: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Home:
    """The resident's ids."""

    account: str
    consent: str


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    command(commands, "demo", _demo, "Tell the whole story with real output, in var/demo.")


def _demo(asked: Settings, _arguments: argparse.Namespace) -> int:
    try:
        with clear_stage(STAGE, asked.topic) as settings:
            server = EmbeddedPostgres(database_directory(settings))
            _introduce(settings)
            with server, embedded_broker(settings):
                environment = {HOME: str(settings.home), **embedded_environment(settings.topic)}
                _play(_prepare(Telling(run=run_command, environment=environment), server))
            _conclude(settings)
    except BaseException as error:
        if not is_interruption(error):
            raise
        print(
            "\nmetroledger: the demo was interrupted, and nothing of it runs any more; "
            "'make demo' begins it anew",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def _prepare(tell: Telling, server: EmbeddedPostgres) -> _Scene:
    texts = STAGE / "texts"
    texts.mkdir()
    for source in resources.files("metroledger").joinpath("texts").iterdir():
        (texts / source.name).write_text(source.read_text("utf-8"), "utf-8")
    files = write_deliveries(STAGE / "incoming", civil_day(now()))
    receipt = STAGE / "consent.tlog-proof"
    return _Scene(tell=tell, files=files, texts=texts, server=server, receipt=receipt)


def _play(scene: _Scene) -> None:
    _open_ledger(scene)
    home = _consent(scene)
    _deliver(scene, home)
    _verify_offline(scene)
    _withdraw(scene, home)
    _erase(scene, home)
    _replay(scene)


def _introduce(settings: Settings) -> None:
    real = "PostgreSQL and a real Kafka" if settings.topic else "PostgreSQL"
    print(
        f"""The story of one home, on a real ledger with a real {real}, in about ten seconds.

The lines that begin with $ are commands that you can type yourself; what follows them is what
they printed. 'metroledger' stands for '.venv/bin/python -m metroledger', and {HOME}
is {STAGE}/ledger. The meters are simulated, the clock is yours.""",
        flush=True,
    )


def _open_ledger(scene: _Scene) -> None:
    tell = scene.tell
    tell.chapter(
        "A metropolis opens its ledger",
        """The ledger is a log that only grows. Its public key is handed to everybody: whoever has
        it can check, later and without us, what the ledger says.""",
    )
    tell.type("init", "--origin", ORIGIN)
    tell.say("What residents will be shown is published first, and kept as it was shown:")
    terms, wording = scene.texts / "terms.fr.txt", scene.texts / "consent.fr.txt"
    tell.read(wording)
    tell.type("terms", "publish", terms, "--kind", "terms_of_use", "--version", "1")
    tell.type("terms", "publish", wording, "--kind", "consent_wording", "--version", "1")
    tell.say("The agreement with the operator says what it may send, over which channel, and when:")
    tell.type(
        *("agreement", "sign", "--operator", "enedis", "--reference", "Convention 2025-114"),
        *("--channel", "sge", "--category", "daily_index", "maximum_power"),
        *("--first-day", "2025-01-01", "--last-day", "2034-12-31"),
    )


def _consent(scene: _Scene) -> _Home:
    tell = scene.tell
    tell.chapter(
        "A resident says yes to one thing and no to another",
        """Camille opens an account, accepts the terms and declares the meter of the home. Then two
        questions get two answers: yes to the daily index, no to the maximum power.""",
    )
    account = tell.make(
        *("account", "open", "--name", "Camille Martin", "--email", "camille@example.org")
    )
    tell.type("account", "accept-terms", account, "--version", "1")
    meter = tell.make(
        *("meter", "declare", account, "--operator", "enedis", "--number", scene.files.number),
        *("--entry-day", str(ENTRY_DAY), "--power-kva", "9"),
    )
    consent = tell.make(*_answer("grant", account, meter, "daily_index", "button Accepter"))
    tell.type(*_answer("refuse", account, meter, "maximum_power", "button Refuser"))
    tell.type("consents", account)
    tell.say(
        """A receipt is a file that proves the consent, to Camille or to the operator's lawyer:"""
    )
    tell.type("receipt", consent, "--output", scene.receipt)
    return _Home(account=account, consent=consent)


def _answer(verb: str, account: str, meter: str, category: str, act: str) -> tuple[str, ...]:
    person = ("--holder", "Martin") if verb == "grant" else ()
    said = ("--category", category, *person, "--act", act, "--wording-version", "1")
    return "consent", verb, account, meter, *said


def _deliver(scene: _Scene, home: _Home) -> None:
    tell, files = scene.tell, scene.files
    tell.chapter(
        "The operator delivers",
        f"""A history of Camille's meter, as CSV; it begins before Camille moved in on {ENTRY_DAY}.
        Then encrypted nightly files (R151) of 40 meters; nobody else here has declared one.
        Only what the consent covers is kept. All else is counted, and its values are dropped.""",
    )
    tell.type("operator", "keys", files.keys)
    tell.type("ingest", files.history)
    tell.type("ingest", *files.nights[:3])
    tell.say("What was not measured is a gap. No value is invented, and none is spread over days:")
    tell.type("consumption", home.consent)
    tell.say("The next night brings one missing day late. The same file twice changes nothing:")
    tell.type("ingest", files.nights[3])
    tell.type("ingest", files.nights[3])
    tell.type("consumption", home.consent)


def _verify_offline(scene: _Scene) -> None:
    tell = scene.tell
    tell.chapter(
        "The receipt is verified with the database stopped",
        """A receipt needs the public key and nothing else: no database, no network, not us.""",
    )
    scene.server.close()
    tell.say("(The database is stopped: no process of it is left.)")
    tell.type("verify", scene.receipt)
    scene.server.start()
    tell.say("(The database is up again.)")


def _withdraw(scene: _Scene, home: _Home) -> None:
    tell = scene.tell
    tell.chapter(
        "The consent is withdrawn, and the next file comes all the same",
        """From the withdrawal on nothing is taken in under it: the reading is refused, with reason.
        The audit asks of every reading ever taken in whether a consent covered it.""",
    )
    tell.type("consent", "withdraw", home.consent)
    tell.type("ingest", scene.files.nights[4])
    tell.type("consents", home.account)
    tell.type("audit")
    tell.type("audit", "--open")


def _erase(scene: _Scene, home: _Home) -> None:
    tell = scene.tell
    tell.chapter(
        "The account is erased, and the proofs stay whole",
        """The keys that open Camille's data are destroyed. The log keeps what it held, sealed for
        good: so the audit still counts every reading, and the receipt still verifies.""",
    )
    tell.type("erase", home.account)
    tell.type("consumption", home.consent)
    tell.type("consents", home.account)
    tell.type("audit", "--open")
    tell.type("verify", scene.receipt)


def _replay(scene: _Scene) -> None:
    tell = scene.tell
    tell.chapter(
        "Everything is computed again from the log",
        """The log alone must lead to the same state, to the last byte. And it can be asked what it
        showed at each checkpoint that was signed: no later act, and no erasure, changes that.""",
    )
    tell.type("replay")
    table = tell.type("replay", "--checkpoints")
    rows = [line.split() for line in table.splitlines()[1:]]
    covered = [row[0] for row in rows if row[CONSENTS] != "0"]
    tell.say("The last one before the withdrawal in full, with the leaves that show it:")
    tell.type("replay", "--as-of", covered[-1])


def _conclude(settings: Settings) -> None:
    head = "── The end "
    log = "".join(
        f" {name}={value}" for name, value in embedded_environment(settings.topic).items()
    )
    print(f"\n{head}{'─' * (WIDTH - len(head))}")
    print(
        f"""The database is stopped; everything stays until the next 'make demo':
  {STAGE}/ledger              the ledger: its keys, its checkpoints, its public files (tiles)
  {STAGE}/incoming            what the operator sent
  {STAGE}/consent.tlog-proof  the receipt
  {database_directory(settings)}    the database

To go on by hand, in this directory:
  export {HOME}={STAGE}/ledger{log}
  alias metroledger="$PWD/.venv/bin/python -m metroledger"
  metroledger --help
  metroledger inspect {STAGE}/incoming/Enedis_SGE_HDM_DEMO01.csv | head -n 3
  metroledger audit --json | tail -n 1
  metroledger verify {STAGE}/consent.tlog-proof
README.md has the same story to type yourself, on an empty ledger.""",
        flush=True,
    )
