"""Hostile strings in every field of every form and route: no fault of ours, no markup repeated.

An answer of the API repeats nothing at all. A page may show again what was typed, as text or
as a field's value, and nowhere else; so pages are parsed and looked through.
"""

from __future__ import annotations

import json
import re
import socket
from html.parser import HTMLParser
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import pytest
from fastapi.routing import iter_route_contexts

from adapters.http.guard import BODY_MAX
from application.access import sessions
from tests.adapters.http.api.test_routes import API, body_of
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
    """What came back: the status, the head as it was sent, the body."""

    status: int
    head: bytes
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


def all_fields(world: World) -> list[Field]:
    """Return every field there is, each once."""
    document = world.nobody.get("openapi.json").json()
    return list(dict.fromkeys([*fields_of(document), *page_fields(world)]))


def page_fields(world: World) -> Iterator[Field]:
    """Yield every field of every form that a page shows, and every part of a page's address."""
    for route in iter_route_contexts(world.app.routes):
        path = route.path or ""
        if path.startswith((API, "/problems", "/static")):
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            for name in re.findall(r"{(\w+)}", path):
                yield Field(method, path, "path", name)
        if "GET" in (route.methods or set()):
            yield Field("get", path, "query", "fait")
            for person in (world.owner, world.nobody):
                address = path.format(**_values(world))
                yield from _forms(address, person.client.get(address).text)


def _forms(address: str, page: str) -> Iterator[Field]:
    """Yield the fields of a page's forms; one without an action is sent to its own page."""
    for form in re.findall(r"<form\b(.*?)</form>", page, re.DOTALL):
        action = re.search(r'action="([^"?]*)', form)
        for name in re.findall(r'<(?:input|select|textarea|button)\b[^>]*?name="([^"]+)"', form):
            yield Field("post", action[1] if action and action[1] else address, "form", name)


def _values(world: World) -> dict[str, str]:
    return {
        "meter": world.owner.meter,
        "consent": world.owner.consent,
        "command": world.owner.consent,
        "kind": "terms_of_use",
        "version": "1",
        "language": "fr",
        "category": "load_curve",
        "ticket": "a-ticket",
        "name": "nothing-here",
    }


def send(world: World, field: Field, said: str) -> Answer:
    """Send one string in one field, everything else as it should be, byte by byte."""
    values = _values(world)
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
    if field.where == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        token = world.begin()  # a form may be the one that signs out
        headers["Cookie"] = f"{world.cookie}={token}"
        form = {"form_token": sessions.form_token(token), field.name: said}
        body = "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in form.items()).encode()
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
    head, _, content = received.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), head, content)


def judge(field: Field, said: str, answer: Answer) -> str | None:
    """Say what is wrong with an answer, None when nothing is."""
    if answer.status >= 500:
        return f"{field}: {answer.status} for {said[:60]!a}"
    if MARK.encode() in answer.head:
        return f"{field}: a header repeats {said[:60]!a}"
    if b"text/html" in answer.head:
        looking = _Looking()
        looking.feed(answer.content.decode())
        return f"{field}: {looking.found[0]} of {said[:60]!a}" if looking.found else None
    if MARK.encode() in answer.content:
        return f"{field}: repeats {said[:60]!a}"
    return None


class _Looking(HTMLParser):
    """Looks for what was sent, anywhere in a page but in a text or a field's value."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag in {"script", "style"}
        self._look(f"tag {tag}", tag)
        for name, value in attrs:
            self._look(f"attribute of {tag}", name)
            if name != "value":
                self._look(f"{name} of {tag}", value or "")

    def handle_endtag(self, tag: str) -> None:
        self._script = False
        self._look("end of a tag", tag)

    def handle_data(self, data: str) -> None:
        if self._script:
            self._look("script", data)

    def handle_comment(self, data: str) -> None:
        self._look("comment", data)

    def handle_decl(self, decl: str) -> None:
        self._look("declaration", decl)

    def unknown_decl(self, data: str) -> None:
        self._look("declaration", data)

    def handle_pi(self, data: str) -> None:
        self._look("instruction", data)

    def _look(self, where: str, text: str) -> None:
        if MARK in text:
            self.found.append(where)


def test_hostile_strings_in_every_field_break_nothing_and_are_repeated_nowhere(
    world: World,
) -> None:
    """A sample; the campaign sends all of them in every field."""
    fields = all_fields(world)
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
    assert {one.name for one in fields if one.where == "form"} >= {"email", "numero", "entree"}


def test_the_looking_finds_what_breaks_out_of_a_text_and_only_that() -> None:
    """The judge itself is tried: a test that finds nothing must be able to find something."""
    harmless = f'<p>&lt;b {MARK}&gt; {MARK}</p><input value="{MARK} &quot;">'
    breaking = [
        f"<{MARK}>",
        f"<p {MARK}=1>",
        f'<a href="javascript:{MARK}">',
        f"<script>{MARK}</script>",
        f"<!-- {MARK} -->",
        f'<img src=x onerror="{MARK}">',
    ]
    for page in (harmless, *breaking):
        looking = _Looking()
        looking.feed(page)
        assert bool(looking.found) == (page != harmless), page


@pytest.mark.campaign
def test_every_hostile_string_in_every_field(world: World) -> None:
    fields = all_fields(world)
    strings = hostile(STRINGS)
    statuses: dict[int, int] = {}
    faults = []
    for field in fields:
        for said in strings:
            answer = send(world, field, said)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if fault := judge(field, said, answer):
                faults.append(fault)
    print(f"{len(strings)} hostile strings in {len(fields)} fields: {sum(statuses.values())} sent")
    print(f"  answers: {dict(sorted(statuses.items()))}")
    assert faults == []


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_is_refused_whether_it_says_its_length_or_not(
    world: World, *, declared: bool
) -> None:
    body = b" " * (BODY_MAX + 1)
    headers = {"Content-Type": "application/json"}
    content = body if declared else iter([body[:1_000], body[1_000:]])
    answer = world.owner.post("meters", content=content, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")
    form = body if declared else iter([body])
    assert world.owner.client.post("/connexion", content=form).status_code == 413


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 12_000, b"\xff\xfe", b"1" * 60_000])
def test_a_body_that_is_no_json_costs_nothing(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = world.owner.post("meters", content=body, headers=headers)
    assert answer.status_code == 422
    assert len(answer.content) < 500
