"""Hostile strings in every field of every form and route: no fault of ours, no markup repeated.

An answer of the API repeats nothing at all. A page may show again what was typed, as text or
as a field's value, and nowhere else; so pages are parsed and looked through.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from fastapi.routing import iter_route_contexts

from adapters.http.guard import BODY_MAX
from application.access import members
from application.access.roles import StaffRole
from application.access.tickets import Errand, Ticket, issue
from metroledger.settings import DATABASE, HOME, OPERATIONS, TRUSTED_PROXIES, WEB
from tests.adapters.http.api.attacking import Attacker, Field, Target, attack, breaking, judge
from tests.adapters.http.api.test_routes import API, body_of
from tests.adapters.http.hostile import MARK, hostile
from tests.application.hiring import add
from tests.application.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.http.api.conftest import World

STRINGS: Final = 5_000
SAMPLED_A_FIELD: Final = 12
HEADERS: Final = ("If-None-Match", "If-Match", "Content-Type", "Cookie", "X-Form-Token", "Origin")
WARM: Final = 20
ATTACKERS: Final = 3
MEMORY_BYTES: Final = 64 << 20


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


def links(world: World) -> dict[str, str]:
    """Return the tickets of links that still open their page: to sign up, anew, and for staff."""
    services, owner = world.ledger.services, world.owner.home
    assert owner is not None
    until_s = int(services.clock().timestamp()) + 3_600
    email = f"{owner.number}@example.org"
    member, _ = add(world.ledger, StaffRole.ADMINISTRATOR)
    anew = Ticket(Errand.NEW_PASSWORD, email, until_s)  # nobody chose one yet: bound to nothing
    return {
        "/inscription/{ticket}": issue(services, Ticket(Errand.SIGN_UP, "new@b.example", until_s)),
        "/nouveau-mot-de-passe/{ticket}": issue(services, anew),
        "/agents/inscription/{ticket}": members.invite(services, world.ledger.staff, member),
    }


def page_fields(world: World) -> Iterator[Field]:
    """Yield every field of every form that a page shows, and every part of a page's address.

    Forms that a link opens are read by a link that still works, and sent by one that does not.
    """
    tickets = links(world)
    for route in iter_route_contexts(world.app.routes):
        path = route.path or ""
        if path.startswith((API, "/problems", "/static")):
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            for name in re.findall(r"{(\w+)}", path):
                yield Field(method, path, "path", name)
        if "GET" in (route.methods or set()):
            yield Field("get", path, "query", "fait")
            for person in (world.owner, world.nobody, world.staff[StaffRole.ADMINISTRATOR]):
                values = _values(world)
                shown = path.format(**values | {"ticket": tickets.get(path, "")})
                yield from _forms(path.format(**values), person.client.get(shown).text)


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
        "request": world.owner.consent,
        "kind": "terms_of_use",
        "version": "1",
        "language": "fr",
        "category": "load_curve",
        "ticket": "a-ticket",
        "account": str(world.leaver),
        "name": "nothing-here",
    }


def target_of(world: World, port: int) -> Target:
    """Return the portal at a port as the owner attacks it."""
    bodies = {one.path: body_of(one.path, world.owner) for one in all_fields(world)}
    return Target(
        port=port,
        resident=(world.cookie, world.begin()),
        staff=next(iter(world.staff[StaffRole.ADMINISTRATOR].client.cookies.items())),
        values=_values(world),
        bodies={path: body for path, body in bodies.items() if body},
    )


def test_hostile_strings_in_every_field_break_nothing_and_are_repeated_nowhere(
    world: World,
) -> None:
    """A sample; the campaign sends all of them in every field."""
    fields = all_fields(world)
    assert len(fields) > 60
    strings = cycle(hostile(700))
    with Attacker(target_of(world, urlsplit(world.url).port or 0)) as attacker:
        faults = [
            judge(field, said, attacker.send(field, said))
            for field in fields
            for said in islice(strings, SAMPLED_A_FIELD)
        ]
    assert [fault for fault in faults if fault] == []
    assert world.owner.get("account").status_code == 200
    names = {one.name for one in fields}
    assert names >= {"holder", "consent", "cursor", "from", "Idempotency-Key", "Cookie"}
    assert {one.name for one in fields if one.where == "form"} >= {"email", "numero", "entree"}
    of_links = {one.path for one in fields if one.where == "form" and "a-ticket" in one.path}
    assert of_links == {one.format(ticket="a-ticket") for one in links(world)}


def test_the_looking_finds_what_breaks_out_of_a_text_and_only_that() -> None:
    """The judge itself is tried: a test that finds nothing must be able to find something."""
    harmless = f'<p>&lt;b {MARK}&gt; {MARK}</p><input value="{MARK} &quot;">'
    broken = [
        f"<{MARK}>",
        f"<p {MARK}=1>",
        f'<a href="javascript:{MARK}">',
        f'<a href="javascript:&#{ord(MARK[0])};{MARK[1:]}">',
        f"<script>{MARK}</script>",
        f"<!-- {MARK} -->",
        f'<img src=x onerror="{MARK}">',
    ]
    for page in (harmless, *broken):
        assert bool(breaking(page)) == (page != harmless), page


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_every_hostile_string_in_every_field(world: World) -> None:
    """Against a portal as an operator starts it, whose memory is looked at too."""
    fields = all_fields(world)
    statuses: Counter[int] = Counter()
    faults = []
    with portal(world) as (port, process), attackers() as pool:
        target, count = target_of(world, port), len(fields)
        warm = [pool.submit(attack, target, n, fields[n], WARM) for n in range(count)]
        assert [fault for done in warm for fault in done.result().faults] == []
        before, begun = resident_bytes(process), time.monotonic()
        asked = [pool.submit(attack, target, count + n, fields[n], STRINGS) for n in range(count)]
        for number, done in enumerate(as_completed(asked)):
            attacked = done.result()
            statuses += attacked.statuses
            faults += attacked.faults
            told = f"{attacked.field.method} {attacked.field.path} {attacked.field.name}"
            print(f"{number + 1}/{count} {told} {dict(attacked.statuses)}", flush=True)
        seconds = time.monotonic() - begun
        grown = resident_bytes(process) - before
    print(f"{STRINGS} hostile strings in {count} fields: {statuses.total()} sent")
    print(f"  answers: {dict(sorted(statuses.items()))}, {statuses.total() / seconds:.0f}/s")
    print(f"  memory of the portal: {before >> 20} MB, {grown >> 20} MB more at the end")
    assert faults == []
    assert statuses.total() == STRINGS * count
    assert grown <= MEMORY_BYTES


@contextlib.contextmanager
def portal(world: World) -> Iterator[tuple[int, int]]:
    """Serve the world's ledger in a process of its own; yields its port and its number."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = world.ledger.settings
    environment = os.environ | {
        HOME: str(settings.home),
        DATABASE: settings.database_url or "",
        WEB: f"127.0.0.1:{port}",
        OPERATIONS: "127.0.0.1:0",
        TRUSTED_PROXIES: "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "metroledger", "serve"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"serve: "), "the portal did not start"
        yield port, process.pid
    finally:
        process.terminate()
        process.communicate()


def attackers() -> ProcessPoolExecutor:
    """Return processes that attack beside each other."""
    return ProcessPoolExecutor(ATTACKERS, multiprocessing.get_context("spawn"))


def resident_bytes(process: int) -> int:
    """Return how much memory a process holds."""
    pages = Path(f"/proc/{process}/statm").read_text("ascii").split()[1]
    return int(pages) * resource.getpagesize()


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
