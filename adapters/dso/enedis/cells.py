"""The forms that a cell of a historic CSV can have, each read or refused with its line."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final, NoReturn

from adapters.dso.enedis.file import EARLIEST, LATEST
from adapters.dso.refusal import Code, FileRefused
from domain.values import civil_day, next_day

_VALUE: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_WORD: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-zÀ-ÿ _.+/-]{0,39}")
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+0[12]:00", re.ASCII
)
_MIDNIGHTS: Final = ("T00:00:00+02:00", "T00:00:00+01:00", "T23:00:00+01:00")


class HistoricRefused(FileRefused):
    """The document is not a historic CSV as it is known; `line` is the place, 0 for the whole."""

    def __init__(self, code: Code, detail: str, line: int = 0) -> None:
        super().__init__(code, f"line {line}: {detail}" if line else detail)
        self.line = line


def instant(text: str, at: int) -> datetime:
    """Return an instant, in UTC, of a stamp with its offset."""
    if not _STAMP.fullmatch(text):
        refuse("an instant out of its form", at)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        refuse("an instant that no calendar has", at)
    if not EARLIEST <= local.date() < LATEST:
        refuse("an instant out of all reason", at)
    return local.astimezone(UTC)


def label(text: str, at: int) -> date:
    """Return the day of a midnight, whichever of its three forms it has."""
    instant(text, at)
    if text[10:] not in _MIDNIGHTS:
        refuse("an instant that is no midnight in any form known", at)
    return date.fromisoformat(text[:10])


def boundary(text: str, at: int) -> date:
    """Return the first day of a period: one that begins within a day holds from the next."""
    begins = instant(text, at)
    if text[10:] in _MIDNIGHTS:
        return date.fromisoformat(text[:10])
    return next_day(civil_day(begins))


def french_day(text: str, at: int) -> date:
    """Return a day written as 31/12/2021."""
    try:
        return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC).date()
    except ValueError:
        refuse("a day out of its form", at)


def value(text: str, at: int) -> int:
    """Return a whole number of at most 15 digits."""
    if not _VALUE.fullmatch(text):
        refuse("a value out of its form", at)
    return int(text)


def word(text: str, at: int) -> str:
    """Return an identifier, or refuse what may be more than one."""
    if not _WORD.fullmatch(text):
        refuse("an identifier out of its form", at)
    return text


def refuse(detail: str, line: int) -> NoReturn:
    """Refuse the document for a line that is out of its form."""
    raise HistoricRefused(Code.SCHEMA, detail, line)
