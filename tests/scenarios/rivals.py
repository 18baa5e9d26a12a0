"""Everything somebody could still be doing while they are erased, at the same moment."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from adapters.dso.enedis.series import town
from application import consenting, erasure, residents, viewing
from application.access import passwords, sessions
from application.access.tickets import Errand, Ticket, issue
from application.services import made_by, new_id
from domain.errors import Refused
from domain.values import Category, Fluid, Point
from keys.names import KeyName, Purpose
from keys.tree import KeyDestroyed
from metroledger.bootstrap import administrator
from metroledger.portal import site_of
from replay.refold import Refold
from schemas.leaf import decode_leaf, decode_reading_leaf
from schemas.private import NO_KEY, decode_private, ids_in
from tests.application.world import (
    ORIGIN,
    SEED,
    Place,
    closed,
    found,
    opened,
    settle,
    take,
    wish,
    working_directory,
    write_nights,
)
from tests.scenarios.canaries import search
from tests.scenarios.erasing import kept_up
from tests.scenarios.interrupting import hear, start_actor, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from random import Random

    from adapters.dso.enedis.series import SimulatedMeter
    from application.access.door import Door
    from application.consenting import Wish
    from metroledger.bootstrap import Installation
    from tests.application.world import Household

ACTS: Final = 10
"""What is done to each of the erased meanwhile."""

FIRST: Final = date(2026, 3, 1)
PASSWORD: Final = "un cheval correct agrafe"
WINDOW_S: Final = 0.25
"""About what an erasure takes here: so each act meets it at some point of it."""


@dataclass(slots=True)
class Victim:
    """Somebody who is erased, the meter that goes on being read, and the streams of theirs."""

    home: Household
    email: str
    name: str
    files: Sequence[Path]
    streams: set[UUID] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)

    @property
    def facts(self) -> tuple[str, ...]:
        return self.email, self.name, self.home.number


@dataclass(slots=True)
class Raced:
    """What came of the acts, and what should not be there: see `_look`."""

    outcomes: Counter[str] = field(default_factory=Counter)
    granted: int = 0
    late_grants: int = 0
    late_readings: int = 0
    unended: int = 0
    foreign_keys: int = 0
    living_keys: int = 0
    entries: int = 0
    sessions: int = 0
    in_clear: list[tuple[str, str]] = field(default_factory=list)

    @property
    def amiss(self) -> int:
        return sum(
            (
                *(self.late_grants, self.late_readings, self.unended, self.foreign_keys),
                *(self.living_keys, self.entries, self.sessions, len(self.in_clear)),
            )
        )


def race(victims: int, chance: Random) -> Raced:
    """Erase people one after another while each goes on doing things; return what came of it.

    The erasure is another process's. In a ledger of its own, all bytes of which are searched.
    """
    with working_directory() as root:
        place = Place(root / "home", None)
        with kept_up(place):
            found(place)
            done, facts = _race(place, root / "nights", victims, chance)
        done.in_clear = search(place.home, facts, {})
    return done


def _race(place: Place, directory: Path, victims: int, chance: Random) -> tuple[Raced, list[str]]:
    done = Raced()
    directory.mkdir()
    with place.open() as installation, start_actor(place) as eraser:
        door = replace(site_of(installation).door, post=_Nobody())
        people = [
            _move_in(installation, door, meter, directory / f"{number}")
            for number, meter in enumerate(town(SEED, victims))
        ]
        with ThreadPoolExecutor(ACTS) as threads:
            for victim in people:
                acts = _acts(installation, door, victim, chance)
                begun = [threads.submit(act) for act in acts]
                time.sleep(chance.uniform(0, WINDOW_S / 2))
                tell(eraser, f"erase {victim.home.account}")
                done.outcomes.update(act.result() for act in begun)
                assert hear(eraser).startswith("erased ")
        _look(installation, people, done)
        _look_in(installation, door, people, done)
        assert closed(installation).passed
        assert opened(installation).passed, "no key is gone whose destruction no leaf orders"
    return done, [fact for victim in people for fact in victim.facts]


def _move_in(
    installation: Installation, door: Door, meter: SimulatedMeter, directory: Path
) -> Victim:
    name, email = f"Ernestine {meter.reference}-LARIVALE", f"rivale.{meter.reference}@example.org"
    home = settle(installation, meter.number, name=name, email=email.lower())
    passwords.keep(installation.services, door.store, home.account, PASSWORD)
    nights = [FIRST + timedelta(days=n) for n in range(4)]
    before, *files = write_nights(directory, (meter,), nights)
    take(installation, before)
    services, actor = installation.services, administrator(installation)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, actor, means="in person")
    victim = Victim(home, email.lower(), name, files)
    victim.streams |= {home.account, home.meter, *home.consents}
    return victim


def _acts(
    installation: Installation, door: Door, victim: Victim, chance: Random
) -> list[Callable[[], str]]:
    """Return what is done at a random moment each: deliveries, grants, sign-ins and the like."""
    home, services = victim.home, installation.services
    address = f"10.1.{chance.randrange(256)}.{chance.randrange(256)}"

    def grant(wanted: Wish) -> str:
        command = new_id()
        victim.streams.add(made_by(command))
        consenting.grant_consent(services, home.account, home.meter, wanted, command=command)
        return "granted"

    def deliver(file: Path) -> str:
        counts = take(installation, file).counts
        return "taken in" if counts.get("accepted") else "not taken in"

    def sign_in() -> str:
        victim.tokens.append(door.sign_in(victim.email, PASSWORD, address=address))
        return "signed in"

    def declare() -> str:
        command = new_id()
        victim.streams.add(made_by(command))
        point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=home.number)
        residents.declare_meter(
            services, home.account, point, entry_day=FIRST, power_kva=6, command=command
        )
        return "declared"

    def choose() -> str:
        bound = passwords.fingerprint(door.store, home.account)
        until_s = int(services.clock().timestamp()) + 600
        link = issue(services, Ticket(Errand.NEW_PASSWORD, victim.email, until_s, bound))
        victim.tokens.append(door.choose_new_password(link, f"{PASSWORD} encore"))
        return "chosen"

    def look() -> str:
        access = viewing.authorise(services, home.account, home.consents[0], viewing.Use.ACCESS)
        return f"{len(list(viewing.readings(services, access)))} readings seen"

    acts: list[Callable[[], str]] = [
        *(lambda file=file: deliver(file) for file in victim.files),
        lambda: grant(wish(Category.MAXIMUM_POWER)),
        lambda: grant(replace(wish(), recipient="agence")),
        *(sign_in, sign_in, declare, choose, look),
    ]
    return [_at(chance.uniform(0, WINDOW_S), act) for act in acts]


def _at(after_s: float, act: Callable[[], str]) -> Callable[[], str]:
    """Return the act, done at a moment; what it answers is its result or its refusal's name.

    A refusal is an answer; anything else that it raises is a fault and is raised.
    """

    def run() -> str:
        time.sleep(after_s)
        try:
            return act()
        except Refused as error:
            return f"refused: {type(error).__name__}"

    return run


class _Nobody:
    """No letter is written here: what letters hold has its own days (see the mail outbox)."""

    def send(self, letter: object) -> None:
        raise AssertionError(letter)


def _look(installation: Installation, people: Sequence[Victim], done: Raced) -> None:
    """Read the log from its beginning, keeping of each of the erased what came after what."""
    whose = {stream: victim.home.account for victim in people for stream in victim.streams}
    validated: set[UUID] = set()
    ordered: dict[UUID, set[UUID]] = {}
    ended: set[UUID] = set()
    granted: set[UUID] = set()
    used: dict[UUID, set[UUID]] = {}
    for topic, stream, consent, key, extra in _frames(installation):
        account = whose.get(stream)
        if account is None:
            continue
        used.setdefault(account, set()).add(key)
        if topic == "ErasureValidated.v1":
            validated.add(account)
        elif topic == "DestructionOrdered.v1":
            ordered[account] = set(ids_in(extra))
        elif topic == "ConsentGranted.v1":
            granted.add(stream)
            done.late_grants += account in validated
        elif topic == "ConsentWithdrawn.v1":
            ended.add(stream)
        elif topic == "reading":
            done.late_readings += consent in ended or account in ordered
    done.granted, done.unended = len(granted), len(granted - ended)
    assert ordered.keys() == {victim.home.account for victim in people}
    done.foreign_keys = sum(len(used[one] - {NO_KEY} - ids) for one, ids in ordered.items())
    every = {key for keys in used.values() for key in keys} - {NO_KEY}
    done.living_keys = len(installation.keys.fetch(every))


def _frames(installation: Installation) -> Iterator[tuple[str, UUID, UUID | None, UUID, bytes]]:
    """Yield of each event: type, stream, consent, key, extra; a reading is its consent's."""
    for replayed in Refold(installation.log, ORIGIN).commits():
        for frame in replayed.record.frames:
            leaf, private = decode_leaf(frame.leaf), decode_private(frame.private)
            yield leaf.type, private.stream, leaf.consent, private.key, private.extra
            if frame.readings is not None:
                for place, key in enumerate(ids_in(private.extra)):
                    one = UUID(bytes=decode_reading_leaf(frame.readings.leaf(place)).consent)
                    yield "reading", one, one, key, b""


def _look_in(installation: Installation, door: Door, people: Sequence[Victim], done: Raced) -> None:
    """Ask the key store and the door for what is left of the erased."""
    keys, services = installation.keys, installation.services
    for victim in people:
        owner = victim.home.account
        done.living_keys += len(keys.keys_of(owner))
        done.entries += len(keys.ids_of(owner))
        done.sessions += sum(
            sessions.find(services, door.store, token) is not None for token in victim.tokens
        )
        with pytest.raises(KeyDestroyed):
            keys.mint([KeyName(owner=owner, purpose=Purpose.PROFILE)])
        with pytest.raises(KeyDestroyed):
            keys.mint([KeyName(owner=owner, purpose=Purpose.ACCESS, year=2031)])
