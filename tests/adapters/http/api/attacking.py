"""Send hostile strings to a portal, one in one field of one request, and judge what comes back.

A request is made byte by byte, for a client library would not send what is sent here. Connections
are kept from one request to the next, but where a string is in a header: it may end its request
early, and what follows would be answered too. Each request comes from another address, so that
no limit to how often one household may try stands before what is tried.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import socket
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final, NamedTuple, Self
from urllib.parse import quote

from adapters.http.visitors import STAFF
from application.access import sessions
from tests.adapters.http.hostile import MARK, hostile

if TYPE_CHECKING:
    from collections.abc import Mapping

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODILESS: Final = {204, 304}
_FIRST_ADDRESS: Final = int(IPv4Address("10.0.0.0"))
_REQUESTS: Final = 1 << 14
_WAIT_S: Final = 60
_FORM: Final = "application/x-www-form-urlencoded"
_NOTHING: Final = 599
"""The status of an answer that never came."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A portal, and who is signed in to it in one browser: a resident, and an administrator.

    `values` fill a path's parameters and `bodies` are what a path takes, so that a string comes
    as far as it can; `resident` and `staff` are each a cookie's name and value.
    """

    port: int
    resident: tuple[str, str]
    staff: tuple[str, str]
    values: Mapping[str, str]
    bodies: Mapping[str, Mapping[str, object]]

    def form_token(self, path: str) -> str:
        """Return what the forms of a page carry: the staff's pages have a session of their own."""
        _, token = self.staff if path.startswith(STAFF) else self.resident
        return sessions.form_token(token)


class Attacker:
    """One connection at a time; `number` tells attackers apart."""

    def __init__(self, target: Target, number: int = 0) -> None:
        self._target = target
        self._sent = itertools.count(number * _REQUESTS)
        self._wire: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def send(self, field: Field, said: str) -> Answer:
        """Send one string in one field, everything else as it should be."""
        kept = self._wire is not None and field.where != "header"
        request = self._request(field, said)
        if not kept:
            self._hang_up()
        answer = self._exchange(request)
        if answer is None and kept:  # closed by the portal before it was asked
            answer = self._exchange(request)
        if answer is None:
            return Answer(_NOTHING, b"", b"")
        if field.where == "header" or b"connection: close" in answer.head.lower():
            self._hang_up()
        return answer

    def _request(self, field: Field, said: str) -> bytes:
        number, target = next(self._sent), self._target
        named = {field.name: _quoted(said)} if field.where == "path" else {}
        path = field.path.format(**{**target.values, **named})
        address = f"{path}?{field.name}={_quoted(said)}" if field.where == "query" else path
        body = _body(field, said, path, target, number)
        of_page = field.method.upper() == "POST" and not field.path.startswith("/api/")
        headers = {
            "Host": f"127.0.0.1:{target.port}",
            "Cookie": "; ".join(map("=".join, (target.resident, target.staff))),
            "X-Form-Token": target.form_token(path),
            "X-Forwarded-For": str(IPv4Address(_FIRST_ADDRESS + number)),
            "Idempotency-Key": f"hostile-key-{number}",
            "Content-Type": _FORM if of_page else "application/json",
            "Content-Length": str(len(body)),
        }
        if field.where == "header":
            headers |= {"Connection": "close", field.name: said}
        lines = [f"{field.method.upper()} {address} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body

    def _exchange(self, request: bytes) -> Answer | None:
        """Return what comes back, None where the connection ends without an answer."""
        if self._wire is None:
            self._wire = socket.create_connection(("127.0.0.1", self._target.port), _WAIT_S)
        try:
            self._wire.sendall(request)
            answer = _received(self._wire)
        except ConnectionError:
            answer = None
        if answer is None:
            self._hang_up()
        return answer

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None


def _body(field: Field, said: str, path: str, target: Target, number: int) -> bytes:
    """Return what a program's request or a page's form holds, the string in it where it belongs."""
    if field.method.upper() == "GET":
        return b""
    if field.path.startswith("/api/"):
        odd = {field.name: said} if field.where == "body" else {}
        told = json.dumps({**target.bodies.get(field.path, {}), **odd})
        whole = field.where == "body" and field.name == ""
        return (said if whole else told).encode("utf-8", "surrogatepass")
    form = {"form_token": target.form_token(path), **_filled(path, number)}
    form |= {field.name: said} if field.where == "form" else {}
    return "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in form.items()).encode()


def _filled(path: str, number: int) -> dict[str, str]:
    """Return what fills a form, so that one odd field of it is the only one."""
    forms = {
        "/connexion": {"email": f"nobody{number}@example.org", "mot_de_passe": "a pass phrase"},
        "/compteurs/nouveau": {"numero": "09111642617347", "entree": "2024-01-01"},
    }
    return forms.get(path, {})


def _quoted(said: str) -> str:
    return quote(said.encode("utf-8", "surrogatepass"), safe="")


def _received(wire: socket.socket) -> Answer | None:
    """Read one answer: as long as it says to be, or to the end where it does not say."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (chunk := wire.recv(65_536)):
            return None
        received += chunk
    head, _, content = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = _LENGTH.search(head)
    whole = int(length[1]) if length else 0 if status in _BODILESS else None
    while (whole is None or len(content) < whole) and (chunk := wire.recv(65_536)):
        content += chunk
    return Answer(status, head, content)


def judge(field: Field, said: str, answer: Answer) -> str | None:
    """Say what is wrong with an answer, None when nothing is."""
    if answer.status >= 500:
        return f"{field}: {answer.status} for {said[:60]!a}"
    if b"\r\nset-cookie:" in answer.head.lower():
        return f"{field}: {said[:60]!a} changes the session"
    if MARK.encode() in answer.head:
        return f"{field}: a header repeats {said[:60]!a}"
    if b"text/html" in answer.head:
        found = breaking(answer.content.decode())
        return f"{field}: {found[0]} of {said[:60]!a}" if found else None
    if MARK.encode() in answer.content:
        return f"{field}: repeats {said[:60]!a}"
    return None


def breaking(page: str) -> list[str]:
    """Return where a page repeats what was sent, but in a text or a field's value."""
    if MARK not in html.unescape(page):
        return []
    looking = _Looking()
    looking.feed(page)
    return looking.found


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


class Attacked(NamedTuple):
    """What came of one field: how often each status was answered, and what was wrong."""

    field: Field
    statuses: Counter[int]
    faults: list[str]


def attack(target: Target, number: int, field: Field, strings: int) -> Attacked:
    """Send that many hostile strings in one field; for a process of its own."""
    statuses: Counter[int] = Counter()
    faults = []
    with Attacker(target, number) as attacker:
        for said in hostile(strings):
            answer = attacker.send(field, said)
            statuses[answer.status] += 1
            if fault := judge(field, said, answer):
                faults.append(fault)
    return Attacked(field, statuses, faults)
