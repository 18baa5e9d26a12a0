"""A file is left alone until it rests, and nothing strange is ever followed."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from adapters.dropbox.watch import Box

QUIET_S = 10.0


class Hours:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def box(tmp_path: Path, hours: Hours) -> Box:
    (tmp_path / "incoming" / "enedis").mkdir(parents=True)
    return Box(tmp_path, quiet_s=QUIET_S, largest_bytes=1_000, now=hours)


def incoming(box: Box) -> Path:
    return box.root / "incoming" / "enedis"


def rested(box: Box, hours: Hours) -> list[str]:
    box.look()
    hours.now_s += QUIET_S
    return [one.name for one in box.look()]


def test_a_file_that_grows_is_left_alone_until_it_has_been_still(box: Box, hours: Hours) -> None:
    path = incoming(box) / "a.zip"
    for size in range(1, 5):
        path.write_bytes(b"x" * size)
        assert box.look() == ()
        hours.now_s += QUIET_S - 1
    assert box.look() == ()
    hours.now_s += 1
    (arrived,) = box.look()
    assert (arrived.name, arrived.operator, arrived.read()) == ("a.zip", "enedis", b"xxxx")


def test_the_senders_times_are_not_believed(box: Box, hours: Hours) -> None:
    path = incoming(box) / "a.zip"
    path.write_bytes(b"half")
    os.utime(path, (0, 0))
    assert box.look() == ()
    hours.now_s += QUIET_S
    path.write_bytes(b"whole")
    os.utime(path, (0, 0))
    assert box.look() == ()


@pytest.mark.parametrize("name", ["a.zip.filepart", "a.part", "A.TMP", ".a.zip", "a.zip.partial"])
def test_a_temporary_name_never_arrives_and_its_final_one_does(
    box: Box, hours: Hours, name: str
) -> None:
    path = incoming(box) / name
    path.write_bytes(b"whole")
    assert rested(box, hours) == []
    assert box.unfinished == 1
    path.rename(incoming(box) / "a.zip")
    assert rested(box, hours) == ["a.zip"]


def test_what_its_writer_has_locked_is_not_read(box: Box, hours: Hours) -> None:
    path = incoming(box) / "a.zip"
    path.write_bytes(b"paused")
    rested(box, hours)
    (arrived,) = box.look()
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert arrived.read() is None
    assert arrived.read() == b"paused"


def test_links_pipes_directories_and_giants_are_never_followed(box: Box, hours: Hours) -> None:
    secret = box.root / "secret"
    secret.write_bytes(b"of somebody else")
    here = incoming(box)
    (here / "symbolic.zip").symlink_to(secret)
    (here / "hard.zip").hardlink_to(secret)
    os.mkfifo(here / "pipe.zip")
    (here / "deep.zip" / "deeper").mkdir(parents=True)
    (here / "giant.zip").write_bytes(bytes(1_001))
    (box.root / "incoming" / "elsewhere").symlink_to(box.root)
    assert rested(box, hours) == []
    assert box.strange == {"enedis": 5, "elsewhere": 1}
    assert secret.read_bytes() == b"of somebody else"


def test_a_file_swapped_for_a_link_after_it_was_seen_is_not_read(box: Box, hours: Hours) -> None:
    path = incoming(box) / "a.zip"
    path.write_bytes(b"plain")
    rested(box, hours)
    (arrived,) = box.look()
    path.unlink()
    (target := box.root / "other").write_bytes(b"other")
    path.symlink_to(target)
    assert arrived.read() is None
    arrived.remove()
    arrived.keep(UUID(int=1))
    assert path.is_symlink()


def test_a_kept_file_bears_an_id_and_is_emptied_in_time(box: Box, hours: Hours) -> None:
    path = incoming(box) / "09111642617347.zip"
    path.write_bytes(b"whole")
    rested(box, hours)
    (arrived,) = box.look()
    arrived.keep(UUID(int=7))
    kept = box.root / "kept" / "enedis" / UUID(int=7).hex
    assert kept.read_bytes() == b"whole"
    assert not path.exists()
    assert box.empty(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert box.empty(datetime(2200, 1, 1, tzinfo=UTC)) == 1
    assert not kept.exists()


def test_what_was_cut_off_and_never_gone_on_with_is_removed_in_time(box: Box) -> None:
    halves = [incoming(box) / ".one.zip", incoming(box) / "two.zip.part"]
    for path in (*halves, whole := incoming(box) / "three.zip"):
        path.write_bytes(b"half")
    (box.root / "incoming" / "elsewhere").symlink_to(box.root)
    (hidden := box.root / ".hidden").write_bytes(b"of somebody else")
    assert box.empty(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert box.empty(datetime(2200, 1, 1, tzinfo=UTC)) == 2
    assert not any(path.exists() for path in halves)
    assert whole.exists()
    assert hidden.exists()
