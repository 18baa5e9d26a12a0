"""What several commands share: arguments of one kind, and how results are printed."""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

    from metroledger.settings import Settings

    Run = Callable[[Settings, argparse.Namespace], int]


class Commands(Protocol):
    """What `argparse.add_subparsers` returns."""

    def add_parser(self, name: str, **kwargs: Any) -> argparse.ArgumentParser:  # noqa: ANN401 (argparse's own)
        """Add one command."""


def command(commands: Commands, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    """Add a command that `run` carries out."""
    parser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def group(commands: Commands, name: str, summary: str) -> Commands:
    """Add a command that only groups others."""
    parser = commands.add_parser(name, help=summary, description=summary)
    return parser.add_subparsers(dest=f"{name}_command", required=True, metavar="COMMAND")


def day(text: str) -> date:
    """Read a day, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = "a day is written YYYY-MM-DD"
        raise argparse.ArgumentTypeError(message) from None


def identifier(text: str) -> UUID:
    """Read an id as this program prints it."""
    try:
        return UUID(text)
    except ValueError:
        message = "an id has 32 hexadecimal digits, as this program printed it"
        raise argparse.ArgumentTypeError(message) from None


def is_interruption(error: BaseException | None) -> bool:
    """Tell whether an error is Ctrl-C, or came of tidying up after it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def print_json(value: Any) -> None:  # noqa: ANN401 (any JSON-able value)
    """Print one JSON line."""
    print(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
