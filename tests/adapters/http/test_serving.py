"""Several processes may answer at one address, and none takes an address that is somebody's."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from httpx import Client

from adapters.http.serving import served


def app(name: str) -> FastAPI:
    made = FastAPI()
    made.get("/")(lambda: name)
    return made


def test_those_who_share_an_address_answer_in_turn() -> None:
    with (
        served(app("one"), ("127.0.0.1", 0), shared=True) as port,
        served(app("two"), ("127.0.0.1", port), shared=True) as same,
    ):
        assert same == port
        answers = set()
        for _ in range(200):
            with Client(base_url=f"http://127.0.0.1:{port}") as client:
                answers.add(client.get("/").json())
        assert answers == {"one", "two"}


def test_an_address_that_is_not_shared_is_refused() -> None:
    with (
        served(app("one"), ("127.0.0.1", 0)) as port,
        pytest.raises(OSError, match="Address already in use"),
        served(app("two"), ("127.0.0.1", port)),
    ):
        pass
