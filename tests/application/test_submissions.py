"""What waits to be appended: in order, bounded, and only while somebody waits for it."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from application import submissions
from application.submissions import LedgerBusy, Submission, WaitingRoom

MB = 1 << 20


def submission(command: bytes, size: int = 100) -> Submission:
    return Submission(record=bytes(size), command=command, expects=(), answer=Future())


def commands(taken: list[Submission] | None) -> list[bytes]:
    return [one.command for one in taken or ()]


def test_what_waits_is_taken_in_order_up_to_a_count_and_a_size() -> None:
    room = WaitingRoom()
    for command in (b"a", b"b", b"c", b"d"):
        room.put(submission(command))
    assert commands(room.take(2, MB)) == [b"a", b"b"]
    assert commands(room.take(9, 100)) == [b"c"]
    assert commands(room.take(9, MB)) == [b"d"]


def test_whoever_takes_waits_for_one() -> None:
    room, taken = WaitingRoom(), list[bytes]()
    thread = threading.Thread(target=lambda: taken.extend(commands(room.take(9, MB))))
    thread.start()
    room.put(submission(b"a"))
    thread.join(5)
    assert taken == [b"a"]


def test_closed_it_gives_what_waits_and_then_nothing() -> None:
    room = WaitingRoom()
    room.put(submission(b"a"))
    room.close()
    assert commands(room.take(9, MB)) == [b"a"]
    assert room.take(9, MB) is None


def test_what_was_given_up_is_never_taken() -> None:
    room, given_up = WaitingRoom(), submission(b"a")
    room.put(given_up)
    room.put(submission(b"b"))
    assert given_up.answer.cancel()
    assert commands(room.take(9, MB)) == [b"b"]


def test_what_was_taken_cannot_be_given_up() -> None:
    room, taken = WaitingRoom(), submission(b"a")
    room.put(taken)
    room.take(9, MB)
    assert not taken.answer.cancel()


def test_past_its_bytes_nobody_is_let_in_until_somebody_gives_up() -> None:
    room = WaitingRoom()
    first, *_ = (large := [submission(bytes([n]), 8 * MB) for n in range(4)])
    for one in large:
        room.put(one)
    with pytest.raises(LedgerBusy):
        room.put(submission(b"more"))
    first.answer.cancel()
    room.put(submission(b"more"))
    assert commands(room.take(9, 1 << 30)) == [b"\1", b"\2", b"\3", b"more"]


def test_past_its_count_nobody_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "WAITING_MAX", 2)
    room = WaitingRoom()
    room.put(submission(b"a"))
    room.put(submission(b"b"))
    with pytest.raises(LedgerBusy):
        room.put(submission(b"c"))


def test_one_alone_always_fits() -> None:
    room = WaitingRoom()
    room.put(submission(b"a", submissions.WAITING_BYTES_MAX + 1))
    assert commands(room.take(9, MB)) == [b"a"]
