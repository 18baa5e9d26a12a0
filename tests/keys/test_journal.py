from pathlib import Path

import pytest

from keys.journal import Destroyed, Journal, JournalBroken
from keys.key import new_id
from tests.keys.home import NOW


def _entry() -> Destroyed:
    return Destroyed(kind="key", key_id=new_id(), tag=new_id().bytes, at=NOW)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "destroyed")
    entries = (
        _entry(),
        Destroyed(kind="owner", key_id=new_id(), tag=new_id().bytes, at=NOW),
        Destroyed(kind="key", key_id=new_id(), tag=None, at=NOW),
    )
    journal.append(entries[:1])
    journal.append(entries[1:])
    assert Journal(journal.path).since(journal.start) == (entries, journal.size())


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_no_destruction_and_is_cut_off(tmp_path: Path, cut: int) -> None:
    journal = Journal.create(tmp_path / "destroyed")
    journal.append((whole := _entry(),))
    end = journal.size()
    journal.append((_entry(),))
    with journal.path.open("r+b") as file:
        file.truncate(journal.size() - cut)
    assert journal.since(journal.start) == ((whole,), end)
    journal.cut(end)
    journal.append((another := _entry(),))
    assert journal.since(journal.start)[0] == (whole, another)


def test_every_altered_byte_of_a_line_is_found(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "destroyed")
    journal.append((_entry(), _entry()))
    content = journal.path.read_bytes()
    for position in range(journal.start, len(content) - 1):
        broken = bytearray(content)
        broken[position] ^= 1
        journal.path.write_bytes(bytes(broken))
        with pytest.raises(JournalBroken):
            journal.since(journal.start)


def test_a_journal_shorter_than_what_was_done_of_it_is_broken(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "destroyed")
    with pytest.raises(JournalBroken):
        journal.since(journal.size() + 1)


def test_a_journal_is_kept_when_it_is_there(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "destroyed")
    journal.append((_entry(),))
    assert Journal.create(journal.path).id == journal.id
    assert Journal.create(journal.path).size() == journal.size()


@pytest.mark.parametrize("content", [None, b"", b"something else\n", b"\xff\xfe" * 80])
def test_what_is_no_journal_is_not_taken_for_an_empty_one(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "destroyed").write_bytes(content)
    with pytest.raises(JournalBroken):
        Journal(tmp_path / "destroyed")
