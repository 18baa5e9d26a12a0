"""Several processes may answer at one socket, and none takes an address that is somebody's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import FastAPI
from httpx import Client

from adapters.http.serving import listen, served, turn_away

LOOPBACK = ("127.0.0.1", 0)


def app(name: str) -> FastAPI:
    made = FastAPI()
    made.get("/")(lambda: name)
    return made


def test_sixteen_kept_connections_are_dealt_nearly_evenly_to_two_who_share_a_socket() -> None:
    with contextlib.ExitStack() as stack:
        listening = listen(LOOPBACK)
        port = stack.enter_context(served(app("two"), listening.dup()))
        assert stack.enter_context(served(app("one"), listening)) == port
        kept = [stack.enter_context(Client(base_url=f"http://127.0.0.1:{port}")) for _ in range(16)]
        dealt = Counter(client.get("/").json() for client in kept)
        assert dealt["one"] + dealt["two"] == 16
        assert abs(dealt["one"] - dealt["two"]) <= 4, "the system's hash deals 11 to 5, or worse"
        again = Counter(client.get("/").json() for client in kept)
        assert again == dealt


def test_when_one_ends_the_other_answers_whoever_comes() -> None:
    listening = listen(LOOPBACK)
    with served(app("two"), listening.dup()) as port:
        with served(app("one"), listening):
            pass
        for _ in range(20):
            with Client(base_url=f"http://127.0.0.1:{port}") as client:
                assert client.get("/").json() == "two"


def test_an_address_that_somebody_has_is_refused() -> None:
    with (
        served(app("one"), LOOPBACK) as port,
        pytest.raises(OSError, match="Address already in use"),
        served(app("two"), ("127.0.0.1", port)),
    ):
        pass


def test_from_the_moment_it_ends_nobody_is_let_in_to_wait() -> None:
    slow, answering, goes_on = FastAPI(), threading.Event(), threading.Event()

    @slow.get("/")
    def late() -> str:
        answering.set()
        return "late" if goes_on.wait(20) else "never"

    with ThreadPoolExecutor(2) as threads:
        with contextlib.ExitStack() as serving:
            port = serving.enter_context(served(slow, LOOPBACK))
            asked = threads.submit(httpx.get, f"http://127.0.0.1:{port}/", timeout=20)
            assert answering.wait(20)
            ending = threads.submit(serving.pop_all().close)
            while _lets_in(port):
                time.sleep(0.01)
            assert not ending.done()
            goes_on.set()
            ending.result(20)
        assert asked.result(20).json() == "late"


def _lets_in(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionError:
        return False
    return True


def test_who_cannot_be_served_is_turned_away_with_an_answer() -> None:
    with listen(LOOPBACK) as listening, ThreadPoolExecutor(8) as askers:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        asked = [askers.submit(httpx.get, address, timeout=20) for _ in range(8)]
        while not all(one.done() for one in asked):
            turn_away(listening)
            time.sleep(0.01)
    for one in asked:
        answer = one.result()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert answer.text.startswith("Le portail redémarre.")


def test_a_crowd_of_short_connections_is_answered_by_one_of_several() -> None:
    with listen(LOOPBACK) as listening, served(app("one"), listening.dup()) as port:
        address = f"http://127.0.0.1:{port}/"
        with ThreadPoolExecutor(32) as crowd:
            answers = list(crowd.map(lambda _: httpx.get(address, timeout=20).json(), range(400)))
    assert answers == ["one"] * 400
