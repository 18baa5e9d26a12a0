"""The command line: every command is one call of the library.

Results go to standard output (JSON with `--json` where it serves), diagnosis to
standard error. Exit codes: 0 done (or verified), 1 refused, malformed or refuted, 2
could not tell, or something that is needed does not answer.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import TYPE_CHECKING

from domain.errors import MetroledgerError, Unavailable
from metroledger.cli import audits, files, offices, people, proofs
from metroledger.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED = 1
COULD_NOT_TELL = 2


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="metroledger",
        description="A ledger of consents and meter readings that others can verify.",
        epilog="METROLEDGER_HOME names the directory of the ledger (default: ./var).",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (offices, people, files, proofs, audits):
        module.add_commands(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    parsed = build_parser().parse_args(arguments)
    try:
        result: int = parsed.run(read_settings(os.environ), parsed)
    except MetroledgerError as error:
        print(f"metroledger: {error}", file=sys.stderr)
        return COULD_NOT_TELL if isinstance(error, Unavailable) else REFUSED
    except OSError as error:
        print(f"metroledger: {_say(error)}", file=sys.stderr)
        return COULD_NOT_TELL
    except KeyboardInterrupt:
        print("metroledger: interrupted; what was answered is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return REFUSED
    return result


def _say(error: OSError) -> str:
    """Say what an operating system error means for the person at the keyboard."""
    if error.errno == errno.ENOSPC:
        return "the disk is full; free some space and give the same command again, nothing is lost"
    what = error.strerror or type(error).__name__
    where = f" ({error.filename})" if error.filename else ""
    return f"{what.lower()}{where}; correct this and give the same command again"
