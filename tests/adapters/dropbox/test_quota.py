"""What an account brought in a day is counted on after a restart, and from nothing the next day."""

from __future__ import annotations

import errno
from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dropbox.quota import DayCount, Quota

if TYPE_CHECKING:
    from pathlib import Path

QUOTA = Quota(day_files=3, day_bytes=1_000)
MONDAY, TUESDAY = date(2026, 6, 8), date(2026, 6, 9)


def count(path: Path, day: date = MONDAY) -> DayCount:
    """Count as a server does that was just started."""
    return DayCount(path / "counts" / "enedis", QUOTA, lambda: day)


def refused(one: DayCount, *, files: int = 0, size: int = 0) -> bool:
    try:
        one.add(files=files, size=size)
    except OSError as error:
        return error.errno == errno.EDQUOT
    return False


def test_a_restart_forgets_neither_files_nor_bytes(tmp_path: Path) -> None:
    for _ in range(3):
        count(tmp_path).add(files=1, size=300)
    assert refused(count(tmp_path), files=1)
    assert refused(count(tmp_path), size=101)
    assert not refused(count(tmp_path), size=100), "what was refused was not counted"


def test_the_next_day_begins_with_nothing_also_after_a_restart(tmp_path: Path) -> None:
    days = iter([MONDAY, MONDAY, TUESDAY])
    running = DayCount(tmp_path / "enedis", QUOTA, lambda: next(days))
    running.add(files=3)
    assert refused(running, files=1)
    running.add(files=3)
    count(tmp_path).add(files=3)
    assert not refused(count(tmp_path, TUESDAY), files=3)


@pytest.mark.parametrize("line", [b"", b"2026-06-08", b"2026-06-99          3          1000\n"])
def test_a_line_that_a_power_cut_left_torn_counts_as_nothing(tmp_path: Path, line: bytes) -> None:
    count(tmp_path).add(files=3, size=1_000)
    (tmp_path / "counts" / "enedis").write_bytes(line)
    assert not refused(count(tmp_path), files=3, size=1_000)


def test_a_link_that_was_put_in_its_place_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "counts").mkdir()
    (elsewhere := tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "counts" / "enedis").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        count(tmp_path).add(files=1)
    assert elsewhere.read_bytes() == b"theirs"
