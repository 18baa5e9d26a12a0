"""Hostile strings in every field of every route: no fault of ours, and nothing repeated."""

from __future__ import annotations

import json
import socket
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from adapters.http.guard import BODY_MAX
from tests.adapters.http.api.test_routes import body_of
from tests.adapters.http.hostile import MARK, hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.http.api.conftest import World

STRINGS: Final = 5_000
SAMPLED_A_FIELD: Final = 12
HEADERS: Final = ("If-None-Match", "If-Match", "Content-Type", "Cookie", "X-Form-Token", "Origin")
_keys = count()


class Field(NamedTuple):
    """One place of one route where somebody may write something."""

    method: str
    path: str
    where: str
    name: str


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    content: bytes


def fields_of(document: dict[str, Any]) -> Iterator[Field]:
    """Yield every place that the OpenAPI document names; of a read and a write, all headers too."""
    for method, path in (("get", "/api/v1/account"), ("post", "/api/v1/account/erasure-request")):
        for header in HEADERS:
            yield Field(method, path, "header", header)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                yield Field(method, path, parameter["in"], parameter["name"])
            content = operation.get("requestBody", {}).get("content", {})
            for name in content.get("application/json", {}).get("schema", {}).get("properties", ()):
                yield Field(method, path, "body", name)
            if content:
                yield Field(method, path, "body", "")


def send(world: World, field: Field, said: str) -> Answer:
    """Send one string in one field, everything else as it should be, byte by byte."""
    values = {
        "meter": world.owner.meter,
        "consent": world.owner.consent,
        "command": world.owner.consent,
        "kind": "terms_of_use",
        "version": "1",
        "language": "fr",
    }
    if field.where == "path":
        values[field.name] = _quoted(said)
    path = field.path.format(**values)
    if field.where == "query":
        path += f"?{field.name}={_quoted(said)}"
    headers = {
        "Host": urlsplit(world.url).netloc,
        "Cookie": "; ".join(f"{k}={v}" for k, v in world.owner.client.cookies.items()),
        "X-Form-Token": world.owner.client.headers["X-Form-Token"],
        "Idempotency-Key": f"hostile-key-{next(_keys)}",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    if field.where == "header":
        headers[field.name] = said
    body = b""
    if field.where == "body":
        told = said if field.name == "" else json.dumps(_told(world, field) | {field.name: said})
        body = told.encode("utf-8", "surrogatepass")
    headers["Content-Length"] = str(len(body))
    lines = [f"{field.method.upper()} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    return _exchange(world, head + b"\r\n\r\n" + body)


def _told(world: World, field: Field) -> dict[str, object]:
    """The body that the route takes, but for one field: so the string comes as far as it can."""
    return body_of(field.path, world.owner) or {}


def _quoted(said: str) -> str:
    return quote(said.encode("utf-8", "surrogatepass"), safe="")


def _exchange(world: World, request: bytes) -> Answer:
    address = urlsplit(world.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 30) as wire:
        wire.sendall(request)
        received = b""
        while chunk := wire.recv(65_536):
            received += chunk
    return Answer(int(received.split(b" ", 2)[1]), received)


def judge(field: Field, said: str, answer: Answer) -> str | None:
    """Say what is wrong with an answer, None when nothing is."""
    if answer.status >= 500:
        return f"{field}: {answer.status} for {said[:60]!a}"
    if MARK.encode() in answer.content:
        return f"{field}: repeats {said[:60]!a}"
    return None


def test_hostile_strings_in_every_field_break_nothing_and_are_repeated_nowhere(
    world: World,
) -> None:
    """A sample; the campaign sends all of them in every field."""
    fields = list(fields_of(world.nobody.get("openapi.json").json()))
    assert len(fields) > 60
    strings = cycle(hostile(700))
    faults = [
        judge(field, said, send(world, field, said))
        for field in fields
        for said in islice(strings, SAMPLED_A_FIELD)
    ]
    assert [fault for fault in faults if fault] == []
    assert world.owner.get("account").status_code == 200
    names = {one.name for one in fields}
    assert names >= {"holder", "consent", "cursor", "from", "Idempotency-Key", "Cookie"}


@pytest.mark.campaign
def test_every_hostile_string_in_every_field(world: World) -> None:
    fields = list(fields_of(world.nobody.get("openapi.json").json()))
    strings = hostile(STRINGS)
    statuses: dict[int, int] = {}
    faults = []
    for field in fields:
        for said in strings:
            answer = send(world, field, said)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            faults.append(judge(field, said, answer))
    print(f"{len(strings)} hostile strings in {len(fields)} fields: {sum(statuses.values())} sent")
    print(f"  answers: {dict(sorted(statuses.items()))}")
    assert [fault for fault in faults if fault] == []


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(world: World) -> None:
    answer = world.owner.post("meters", content=b" " * (BODY_MAX + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 12_000, b"\xff\xfe", b"1" * 60_000])
def test_a_body_that_is_no_json_costs_nothing(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = world.owner.post("meters", content=body, headers=headers)
    assert answer.status_code == 422
    assert len(answer.content) < 500
