"""What surrounds every answer, over real sockets: safe headers, and a limit to what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.http.guard import BODY_MAX, HEADERS, Guard
from adapters.http.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send


async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body and answer how long it was."""
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def client(*, secure: bool) -> Iterator[httpx.Client]:
    guard = Guard(swallow, secure=secure)
    with (
        served(guard, ("127.0.0.1", 0)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as asking,
    ):
        yield asking


def test_every_answer_is_guarded_and_tls_is_asked_for_only_where_there_is_tls(
    client: httpx.Client, *, secure: bool
) -> None:
    for answer in (client.get("/"), client.post("/", content=b"a" * (BODY_MAX + 1))):
        assert HEADERS.items() <= {k: answer.headers.get(k) for k in HEADERS}.items()
        assert answer.headers["cache-control"] == "no-store"
        assert ("strict-transport-security" in answer.headers) == secure
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_a_body_at_the_limit_is_taken(client: httpx.Client) -> None:
    answer = client.post("/", content=b"a" * BODY_MAX)
    assert (answer.status_code, answer.text) == (200, str(BODY_MAX))


def test_a_body_over_the_limit_is_refused_whether_its_length_is_declared_or_not(
    client: httpx.Client,
) -> None:
    declared = client.post("/", content=b"a" * (BODY_MAX + 1))
    streamed = client.post("/", content=iter([b"a" * BODY_MAX, b"a"]))
    assert (declared.status_code, streamed.status_code) == (413, 413)
