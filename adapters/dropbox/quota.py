"""What an account may bring in a day, and what it brought, which a restart does not forget.

The count is one line in a file of a fixed length, written over in place with each piece: what
a killed process wrote there stands, for the kernel has it. After a power cut some of the last
seconds may be missing; a line that does not read counts as nothing.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LINE: Final = re.compile(rb"(\d{4}-\d\d-\d\d) +(\d{1,10}) +(\d{1,20})\n")
_LENGTH: Final = 10 + 1 + 10 + 1 + 20 + 1
_MODE: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one account may bring: bytes a file, files and bytes a civil day, sessions at once."""

    file_bytes: int = 48_000_000
    day_files: int = 5_000
    day_bytes: int = 20_000_000_000
    sessions: int = 8


@dataclass(slots=True)
class DayCount:
    """Files and bytes of one account on one civil day, kept in `file`; for one process."""

    file: Path
    quota: Quota
    today: Callable[[], date]
    _descriptor: int | None = None
    _day: date | None = None
    _files: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def add(self, *, files: int = 0, size: int = 0) -> None:
        """Count some more; raise `OSError` beyond the day's quota, and count nothing."""
        descriptor = self._open()
        if (today := self.today()) != self._day:
            self._day, self._files, self._bytes = today, 0, 0
        files, size = self._files + files, self._bytes + size
        if files > self.quota.day_files or size > self.quota.day_bytes:
            raise OSError(errno.EDQUOT, "the day's quota is used up")
        self._files, self._bytes = files, size
        os.pwrite(descriptor, f"{today} {files:>10} {size:>20}\n".encode("ascii"), 0)

    def _open(self) -> int:
        """Open the file once, and go on from what stands in it."""
        if self._descriptor is None:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self.file, flags, _MODE)
            if line := _LINE.fullmatch(os.pread(self._descriptor, _LENGTH, 0)):
                self._day = _date(line[1].decode("ascii"))
                self._files, self._bytes = int(line[2]), int(line[3])
        return self._descriptor


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
