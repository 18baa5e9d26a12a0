"""What one account does in its directory leaves nothing open behind it."""

from __future__ import annotations

import fcntl
import os
from datetime import date
from pathlib import Path

import pytest

from adapters.dropbox.quota import DayCount, Quota
from adapters.dropbox.uploads import Account

DESCRIPTORS = Path("/proc/self/fd")


def test_a_file_that_is_just_being_read_is_refused_and_not_held_open(tmp_path: Path) -> None:
    count = DayCount(tmp_path / "counts" / "a", Quota(), lambda: date(2026, 1, 1))
    count.add()  # the file of the count stays open
    account = Account(tmp_path, count)
    (path := tmp_path / "a.zip").write_bytes(b"whole")
    reader = os.open(path, os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_EX)
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            account.begin("a.zip", fresh=False, create=True, append=False)
    assert len(list(DESCRIPTORS.iterdir())) == before
    os.close(reader)
    account.leave(account.begin("a.zip", fresh=False, create=True, append=False))
