"""Readers are answered one after another, and nobody waits long for a turn."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from httpx import Client

from adapters.http.serving import served
from adapters.http.turns import PATIENCE_S, Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE_S = 0.02


class Counted:
    """How many pages are made at once, at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def page(self) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(PAGE_S)
        with self._lock:
            self.now -= 1
        return "a page"


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def portal(counted: Counted) -> Iterator[Client]:
    app = FastAPI()
    held = threading.Event()
    app.get("/page")(counted.page)
    app.post("/page")(counted.page)
    app.get("/slow")(lambda: held.wait(1))

    @app.get("/streamed")
    def streamed() -> StreamingResponse:
        def parts() -> Iterator[bytes]:
            yield b"the first part"
            held.wait(1)

        return StreamingResponse(parts())

    with (
        served(Turns(app), ("127.0.0.1", 0)) as port,
        Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        yield client
        held.set()


def seconds(client: Client) -> float:
    begin = time.monotonic()
    assert client.get("/page").text == '"a page"'
    return time.monotonic() - begin


def test_pages_are_made_one_after_another(portal: Client, counted: Counted) -> None:
    with ThreadPoolExecutor(8) as readers:
        for answer in readers.map(lambda _: portal.get("/page"), range(16)):
            assert answer.status_code == 200
    assert counted.most == 1


def test_who_writes_takes_no_turn(portal: Client, counted: Counted) -> None:
    with ThreadPoolExecutor(8) as writers:
        for answer in writers.map(lambda _: portal.post("/page"), range(16)):
            assert answer.status_code == 200
    assert counted.most > 1


def test_a_style_sheet_takes_no_turn(portal: Client) -> None:
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(portal.get, "/slow")
        time.sleep(0.1)
        begin = time.monotonic()
        assert portal.get("/static/a.css").status_code == 404
        assert time.monotonic() - begin < PATIENCE_S * 0.9
        assert not slow.done()


def test_a_slow_page_keeps_a_reader_waiting_for_the_patience_alone(portal: Client) -> None:
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(portal.get, "/slow")
        time.sleep(0.1)
        assert PATIENCE_S * 0.9 <= seconds(portal) < 0.9
        assert not slow.done()


def test_the_turn_ends_when_the_answer_begins(portal: Client) -> None:
    with portal.stream("GET", "/streamed") as answer:
        assert answer.status_code == 200
        assert seconds(portal) < PATIENCE_S
