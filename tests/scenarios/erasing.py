"""A whole life of an account in a home of its own, erased at the end, and copies of the home."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.dso.enedis.series import SimulatedMeter, index_wh
from adapters.postgres.embedded import EmbeddedPostgres
from application import erasure, residents
from domain.aggregates import account
from domain.aggregates.consumption import consumption
from domain.events.account import AccountOpened
from keys.keyring import FileKeyring
from keys.store import FILE_NAME
from metroledger.bootstrap import database_directory
from metroledger.cli.offices import administrator
from projections.series import show
from tests.application.world import (
    SEED,
    Household,
    Place,
    closed,
    found,
    opened,
    series_of,
    settle,
    working_directory,
    write_nights,
)
from tests.scenarios.canaries import search

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.aggregates.consumption import DayConsumption
    from metroledger.bootstrap import Installation
    from replay.report import Report
    from tests.application.world import Said

NAME: Final = "Zéphyrine QUATREPOINT"
EMAIL: Final = "zephyrine.quatrepoint@canari.example"
HOLDER: Final = "QUATREPOINT-LACANARI"
METER: Final = SimulatedMeter(
    number="09870123456789", distributor=2, supplier=1, reference="MCANARI1"
)
NEIGHBOUR: Final = SimulatedMeter(
    number="09870123456790", distributor=1, supplier=2, reference="MAUTRE02"
)
FIRST: Final = date(2026, 3, 1)
NIGHTS: Final = 12

INDEXES: Final = tuple(
    str(index_wh(SEED, METER.number, FIRST + timedelta(days=n + 1))) for n in range(NIGHTS)
)
CANARIES: Final = (
    NAME,
    "Zéphyrine",
    "QUATREPOINT",
    EMAIL,
    HOLDER,
    METER.number,
    METER.reference,
    f"enedis\nelectricity\n{METER.number}",
    *INDEXES,
)
"""Twenty facts of the erased; each is looked for in some forty forms."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of a ledger at one moment."""

    size: int
    root: bytes
    closed: Report
    opened: Report
    neighbour: list[DayConsumption]
    held: int
    erased: int
    name: str | None


@dataclass(slots=True)
class Life:
    """One story: the home as it is now, copies of it, and everything that was ever printed."""

    place: Place
    said: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, bytes] = field(default_factory=dict)

    def run(self, *arguments: object) -> Said:
        said = self.place.run(*arguments)
        what = " ".join(map(str, arguments[:2]))
        self.said[f"output {len(self.said)} of {what}"] = said.out + said.err
        return said

    def must(self, *arguments: object) -> str:
        said = self.run(*arguments)
        assert said.code == 0, said
        return said.out

    def copy(self, name: str) -> Place:
        """Copy the home, every byte of it, while nobody is in it."""
        return self.copy_of(self.place, name)

    def copy_of(self, place: Place, name: str) -> Place:
        target = place.home.with_name(name)
        shutil.copytree(place.home, target)
        _keep_owners(place.home, target)
        return Place(target, None)


def _keep_owners(source: Path, target: Path) -> None:
    """As root, the server's files are its account's, and stay so in a copy."""
    for path in (source, *source.rglob("*")):
        status = path.lstat()
        shutil.chown(target / path.relative_to(source), status.st_uid, status.st_gid)


@contextlib.contextmanager
def lives() -> Iterator[Life]:
    with working_directory() as root:
        yield Life(Place(root / "home", None))


@contextlib.contextmanager
def kept_up(place: Place) -> Iterator[None]:
    """Keep the embedded server of a place running, between processes that use it."""
    with EmbeddedPostgres(database_directory(place.settings)):
        yield


def live(life: Life) -> tuple[Household, Household]:
    """Let two people live in a ledger, by the command line; return whom to erase, and the other."""
    with kept_up(life.place):
        found(life.place)
        leaving = _arrive(life)
        with life.place.open() as installation:
            staying = settle(installation, NEIGHBOUR.number)
        nights = [FIRST + timedelta(days=n) for n in range(NIGHTS)]
        files = write_nights(life.place.home.parent / "in", (METER, NEIGHBOUR), nights)
        life.must("ingest", *files)
        _park(life)
        for name, consent in (("leaving", leaving), ("staying", staying)):
            target = life.place.home.parent / f"{name}.tlog-proof"
            life.must("receipt", consent.consents[0], "--output", target)
            life.receipts[name] = target.read_bytes()
        life.must("consents", leaving.account)
        life.must("audit", "--open")
    return leaving, staying


def _arrive(life: Life) -> Household:
    def made(*arguments: object) -> UUID:
        return UUID(life.must(*arguments).split()[1])

    who = made("account", "open", "--name", NAME, "--email", EMAIL)
    life.must("account", "accept-terms", who, "--version", "1")
    point = ("--operator", "enedis", "--number", METER.number, "--entry-day", "2020-01-01")
    meter = made("meter", "declare", who, *point, "--power-kva", "9")
    scope = ("--category", "daily_index", "--holder", HOLDER, "--act", "button pressed")
    consent = made("consent", "grant", who, meter, *scope, "--wording-version", "1")
    return Household(who, meter, METER.number, (consent,))


def _park(life: Life) -> None:
    """Give it a file that holds all canaries in clear and cannot be read."""
    broken = life.place.home.parent / "in" / "R151_broken.xml"
    broken.write_text("<R151>" + "\n".join(CANARIES), "utf-8")
    said = life.run("ingest", broken)
    assert (said.code, "parked" in said.out.lower()) == (1, True), said


def ask_for_erasure(installation: Installation, home: Household) -> None:
    services = installation.services
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, administrator(installation), means="in person")
    erasure.validate(services, home.account, administrator(installation))


def see(place: Place, leaving: Household, staying: Household) -> Seen:
    """Look at everything a process of the metropolis could look at."""
    with place.open() as installation:
        signed = installation.publisher.published()
        assert signed is not None
        profile = installation.ledger.load(account, leaving.account).state.opened
        days = (FIRST + timedelta(days=1), FIRST + timedelta(days=NIGHTS - 1))
        shown = show(installation.ledger.folder, installation.keyhole, leaving.consents[0])
        return Seen(
            size=signed.checkpoint.size,
            root=signed.checkpoint.root,
            closed=closed(installation),
            opened=opened(installation),
            neighbour=list(consumption(series_of(installation, staying.consents[0]), *days)),
            held=len(shown.series.rows),
            erased=shown.erased,
            name=profile.name if isinstance(profile, AccountOpened) else None,
        )


def canaries_in(life: Life) -> list[tuple[str, str]]:
    return search(life.place.home, CANARIES, life.said)


def give_present_keyring(old: Place, present: Place) -> None:
    shutil.copy(present.settings.keyring, old.settings.keyring)


def forge_epoch(old: Place) -> None:
    """Write into an old copy that it is under the present epoch, as a thief would try."""
    (epoch,) = FileKeyring(old.settings.keyring).epochs()
    with contextlib.closing(sqlite3.connect(old.settings.keys / FILE_NAME)) as store, store:
        store.execute("UPDATE meta SET epoch = ?", (epoch.id.bytes,))


def wrapped_keys(place: Place, owner: UUID) -> list[bytes]:
    """Return the wrapped bytes of a person's key and of all keys under it."""
    with contextlib.closing(sqlite3.connect(place.settings.keys / FILE_NAME)) as store:
        query = "SELECT wrapped FROM persons WHERE owner = ? UNION ALL SELECT k.wrapped FROM keys k"
        query += " JOIN persons p ON p.number = k.person WHERE p.owner = ?"
        return [one for (one,) in store.execute(query, (owner.bytes, owner.bytes))]


def key_ids_of_all(place: Place) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(place.settings.keys / FILE_NAME)) as store:
        return [one for (one,) in store.execute("SELECT id FROM keys")]
