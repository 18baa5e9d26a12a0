"""The command line: every command is one call of the library.

Results go to standard output (JSON with `--json` where it serves), diagnosis to
standard error. Exit codes: 0 done (or verified), 1 refused, malformed or refuted, 2
could not tell, or something that is needed does not answer.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from domain.errors import MetroledgerError, Unavailable
from metroledger.cli.common import is_interruption
from metroledger.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metroledger.settings import Settings

COMMANDS: Final = {
    "demo": "demo",
    "init": "offices",
    "terms": "offices",
    "agreement": "offices",
    "account": "people",
    "meter": "people",
    "consent": "people",
    "consumption": "people",
    "consents": "people",
    "erase": "erasing",
    "erasure": "erasing",
    "staff": "staff",
    "inspect": "files",
    "ingest": "files",
    "operator": "files",
    "dropbox": "receiving",
    "collect": "collecting",
    "files": "collecting",
    "parked": "collecting",
    "receipt": "proofs",
    "verify": "proofs",
    "audit": "audits",
    "replay": "audits",
    "log": "log",
    "fetch": "fetching",
    "freshness": "showing",
    "projections": "showing",
    "run": "running",
    "upkeep": "running",
    "serve": "serving",
    "operations": "watching",
    "doctor": "doctor",
    "personal-data": "personal",
    "keeper": "keeper",
    "retention": "retaining",
    "simulate": "simulating",
    "broker": "broker",
    "demo-portal": "demo_portal",
}
"""The module that adds each command, in the order of the help.

Only the one that is given is imported: with all of them every command would start later by the
time that the portal, the drop box and the simulators take to import.
"""

REFUSED = 1
COULD_NOT_TELL = 2
INTERRUPTED = 130

CROWDED_BYTES = 64 << 20
"""With less room than this, PostgreSQL may not get its next 16 MB of log."""

EPILOG = """\
METROLEDGER_HOME names the directory of the ledger (default: ./var).
METROLEDGER_DATABASE_URL names a PostgreSQL; without it, an embedded one is started.
METROLEDGER_LOG is postgres or kafka; METROLEDGER_KAFKA_BOOTSTRAP and _TOPIC name which.
METROLEDGER_KEY_BACKUP names the file that each epoch's end copies the key store to.
METROLEDGER_KEEPER is file or openbao; METROLEDGER_KEEPER_URL and _LOGIN name which.
METROLEDGER_OPERATIONS names where health and metrics are answered (127.0.0.1:9464).
What a command makes has an id: the second word that it prints. COMMAND --help says more.
Exit codes: 0 done (verified), 1 refused (refuted), 2 could not tell, or not available."""


def build_parser(first: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the `first` word's commands; of all where it is none of them."""
    parser = argparse.ArgumentParser(
        prog="metroledger",
        description="A ledger of consents and meter readings that others can verify.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in [COMMANDS[first]] if first in COMMANDS else dict.fromkeys(COMMANDS.values()):
        module = importlib.import_module(f"{__name__}.{name}")
        module.add_commands(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command in this process's environment; return its exit code."""
    try:
        return run_command(arguments, os.environ)
    except BaseException as error:
        if not is_interruption(error):
            raise
        print("metroledger: interrupted; what was answered is kept", file=sys.stderr)
        return INTERRUPTED


def run_command(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command; return its exit code. What went wrong is said on standard error."""
    parsed = build_parser(next(iter(arguments), None)).parse_args(arguments)
    settings: Settings | None = None
    try:
        settings = read_settings(environment)
        result: int = parsed.run(settings, parsed)
        sys.stdout.flush()
    except MetroledgerError as error:
        if is_interruption(error):
            raise
        crowded = _crowding(settings) if isinstance(error, Unavailable) else ""
        print(f"metroledger: {error}{crowded}", file=sys.stderr)
        return COULD_NOT_TELL if isinstance(error, Unavailable) else REFUSED
    except BrokenPipeError:
        _drop_output()  # its reader has gone
        return REFUSED
    except OSError as error:
        _drop_output()
        print(f"metroledger: {_say(error)}", file=sys.stderr)
        return COULD_NOT_TELL
    return result


def _drop_output() -> None:
    """Forget what standard output does not take, or the interpreter would fail on it at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _crowding(settings: Settings | None) -> str:
    """Say so when what does not answer has no room left: PostgreSQL then stops, mostly mute."""
    if settings is None:
        return ""
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free > CROWDED_BYTES:
        return ""
    return (
        f"\nmetroledger: the disk of {settings.home} has only {free >> 20} MB left, and that may "
        "be why: free some space and give the same command again"
    )


def _say(error: OSError) -> str:
    """Say what an operating system error means for the person at the keyboard."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; free some space and give the same command again, nothing is lost"
    what = (error.strerror or type(error).__name__).lower()
    if error.errno == errno.EADDRINUSE:
        return (
            f"{what}; another program has it, perhaps another metroledger: end that one, or set "
            "METROLEDGER_WEB, METROLEDGER_OPERATIONS or METROLEDGER_SFTP, whichever names it"
        )
    where = f" ({error.filename})" if error.filename else ""
    return f"{what}{where}; correct this and give the same command again"
