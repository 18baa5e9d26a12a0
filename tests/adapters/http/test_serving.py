"""Several processes may answer at one socket, and none takes an address that is somebody's."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
from fastapi import FastAPI
from httpx import Client

from adapters.http.serving import listen, served

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
