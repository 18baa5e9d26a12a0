"""Logs: one JSON object a line, and nothing in it that could name a person.

::

    {"time":"2026-11-25T03:00:00.120Z","level":"info","event":"http-request",
     "method":"GET","route":"/metrics","status":200,"ms":12}

A line that `application.telling.tell` did not write comes from a library, and its words are
not ours to vouch for: of it, only who wrote it, from which line of code, and how grave it is
are kept, as the event `library`. An exception is told by its kind and its place; the words
of a `MetroledgerError` too, for no error of ours holds personal data. So is one that nobody
caught: Python's own traceback would quote it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, Final
from uuid import UUID

from typing_extensions import override

from application.telling import FIELDS, LOGGER, Fixed, tell
from domain.errors import MetroledgerError

NUMBER_MAX: Final = 10**12

_EVENT: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_RESERVED: Final = frozenset({"time", "level", "event", "error", "where", "says", "withheld"})


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, by the allow-list of this module."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        instant = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03}Z",
            "level": record.levelname.lower(),
        }
        fields = getattr(record, FIELDS, None)
        if isinstance(fields, dict) and _is_ours(record):
            line |= {"event": record.msg} | _allowed(fields)
        else:
            line |= {"event": "library", "logger": record.name, "line": _place_of(record)}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def set_up(stream: IO[str], level: int = logging.INFO) -> None:
    """Send every log of this process to a stream, as JSON lines and in no other way."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    for former in root.handlers[:]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER).setLevel(level)
    logging.raiseExceptions = False  # a log that cannot be written must not print what it was
    sys.excepthook = _tell_uncaught
    threading.excepthook = _tell_of_thread
    sys.unraisablehook = _tell_unraisable


def _tell_uncaught(kind: type[BaseException], error: BaseException, _: object) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        tell("uncaught-error", logging.CRITICAL, error=error)


def _tell_of_thread(caught: threading.ExceptHookArgs) -> None:
    tell("uncaught-error-in-thread", logging.CRITICAL, error=caught.exc_value)


def _tell_unraisable(caught: sys.UnraisableHookArgs) -> None:
    tell("uncaught-error-in-tidying", logging.ERROR, error=caught.exc_value)


def _is_ours(record: logging.LogRecord) -> bool:
    return (
        record.name == LOGGER
        and not record.args
        and isinstance(record.msg, str)
        and _EVENT.fullmatch(record.msg) is not None
    )


def _allowed(fields: dict[str, object]) -> dict[str, object]:
    """Return the fields whose types cannot name a person, and the names of the others."""
    kept: dict[str, object] = {}
    withheld: list[str] = []
    for name, value in fields.items():
        if name in _RESERVED or (plain := _plain(value)) is None:
            withheld.append(name)
        else:
            kept[name] = plain
    return kept | ({"withheld": withheld} if withheld else {})


def _plain(value: object) -> object:
    """Return a value as JSON has it; None for one that a log does not take.

    A whole number of thirteen digits or more is none of ours (a count, a size, a status):
    the numbers of meters have fourteen.
    """
    match value:
        case Enum():
            return value.name.lower()
        case UUID():
            return value.hex
        case timedelta():
            return round(value.total_seconds(), 6)
        case int() | float():
            return round(value, 6) if abs(value) < NUMBER_MAX else None
        case Fixed():
            return str(value)
        case _:
            return None


def _told(error: BaseException) -> dict[str, object]:
    told: dict[str, object] = {"error": type(error).__name__, "where": _where(error.__traceback__)}
    return told | ({"says": str(error)} if isinstance(error, MetroledgerError) else {})


def _where(trace: TracebackType | None) -> str:
    """Return the innermost place of a traceback: file, line and function, without a path."""
    frames = traceback.extract_tb(trace)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def _place_of(record: logging.LogRecord) -> str:
    return f"{Path(record.pathname).name}:{record.lineno}"
