"""The portal's API as it is served, and those who ask it: four people, a member of each role."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters.dso.enedis.series import town
from adapters.http.app import create_app, guarded
from adapters.http.serving import served
from adapters.http.visitors import HEADER
from application import consenting
from application.access import sessions
from application.access.roles import GIVEN, StaffRole
from domain.aggregates.consent import Origin
from domain.values import Category
from metroledger.portal import site_of
from tests.application.conftest import founded, site
from tests.application.hiring import hire
from tests.application.world import (
    SEED,
    Household,
    Place,
    Site,
    settle,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from fastapi import FastAPI

    from metroledger.bootstrap import Installation

FIRST_DAY, LAST_DAY = date(2026, 9, 20), date(2026, 11, 10)
GAP = {date(2026, 10, 5), date(2026, 10, 6), date(2026, 11, 3)}
__all__ = ["founded", "site"]  # fixtures, taken from where they are made
_keys = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody who asks: their household, and the client that their session is in."""

    home: Household | None
    client: httpx.Client

    def get(self, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 (httpx's own)
        return self.client.get(f"/api/v1/{path}", **more)

    def post(self, path: str, key: str | None = None, **more: Any) -> httpx.Response:  # noqa: ANN401 (the same)
        headers = {"Idempotency-Key": key or f"key-{next(_keys):08}", **more.pop("headers", {})}
        return self.client.post(f"/api/v1/{path}", headers=headers, **more)

    @property
    def consent(self) -> str:
        assert self.home is not None
        return str(self.home.consents[0])

    @property
    def meter(self) -> str:
        assert self.home is not None
        return str(self.home.meter)


@dataclass(frozen=True)
class World:
    """A served portal, and the people."""

    ledger: Installation
    app: FastAPI
    url: str
    owner: Person
    other: Person
    withdrawn: Person
    nobody: Person
    staff: dict[StaffRole, Person]
    leaver: UUID
    cookie: str

    def begin(self) -> str:
        """Begin another session of the owner's; return its token."""
        assert self.owner.home is not None
        account = self.owner.home.account
        return sessions.begin(self.ledger.services, self.ledger.access, account=account)


@pytest.fixture(scope="module")
def world(site: Site, founded: Place) -> Iterator[World]:
    """One portal a module: the tests of a module share it, and each makes what it changes."""
    place = site.copy(founded)
    with place.open() as ledger, ExitStack() as stack:
        yield furnished(ledger, place, stack)
    site.drop(place)


def furnished(ledger: Installation, place: Place, stack: ExitStack) -> World:
    """Serve a ledger in which three households live, one of which has withdrawn."""
    *meters, last = town(SEED, 4)
    leaver = settle(ledger, last.number, name="Leaver").account
    homes = [settle(ledger, meter.number, name=f"Person{n}") for n, meter in enumerate(meters)]
    for path in write_nights(place.home / "in", meters, nights()):
        take(ledger, path)
    consenting.withdraw_consent(ledger.services, homes[2].consents[0], origin=Origin.RESIDENT)
    ledger.shown.catch_up()
    portal = site_of(ledger)
    portal.desk.request(leaver)
    app = create_app(portal)
    port = stack.enter_context(served(guarded(portal, app), ("127.0.0.1", 0)))
    url = f"http://127.0.0.1:{port}"

    def person(home: Household | None, cookie: str, token: str) -> Person:
        headers = {HEADER: sessions.form_token(token)}
        cookies = {cookie: token}
        client = httpx.Client(base_url=url, cookies=cookies, headers=headers, timeout=30)
        return Person(home, stack.enter_context(client))

    def resident(home: Household) -> Person:
        token = sessions.begin(ledger.services, ledger.access, account=home.account)
        return person(home, portal.session_cookie, token)

    owner, other, withdrawn = map(resident, homes)
    return World(
        ledger=ledger,
        app=app,
        url=url,
        owner=owner,
        other=other,
        withdrawn=withdrawn,
        nobody=Person(None, stack.enter_context(httpx.Client(base_url=url))),
        staff={role: person(None, portal.staff_cookie, hire(ledger, role).token) for role in GIVEN},
        leaver=leaver,
        cookie=portal.session_cookie,
    )


@dataclass(frozen=True)
class Powered:
    """Somebody who consented to index and maximum power, and the latter consent."""

    person: Person
    power: str


@pytest.fixture(scope="module")
def powered(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Powered]:
    *_, meter = town(SEED, 5)
    both = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)
    home = settle(world.ledger, meter.number, name="Powered", categories=both)
    for path in write_nights(tmp_path_factory.mktemp("powered"), [meter], nights()):
        take(world.ledger, path)
    world.ledger.shown.catch_up()
    token = sessions.begin(world.ledger.services, world.ledger.access, account=home.account)
    with httpx.Client(base_url=world.url, cookies={world.cookie: token}, timeout=30) as client:
        yield Powered(Person(home, client), str(home.consents[1]))


def nights() -> list[date]:
    """The days that everybody's meter was read."""
    span = (FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1))
    return [day for day in span if day not in GAP]
