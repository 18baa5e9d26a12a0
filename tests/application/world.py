"""An installation as an operator would have it: a home directory, a real server, real keys.

Each piece is the product's own: `Place.open` is `open_ledger`, `Place.run` the command line in a
process of its own, `Place.copy` what a backup of the whole machine would be.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.simulator import Night, sent
from application import consenting, offices, residents
from application.consenting import Wish
from domain.events.agreement import AgreementSigned
from domain.events.terms import TextKind
from domain.values import Category, Channel, Fluid, Point
from ledger.readings import key_ids, open_readings
from metroledger.bootstrap import administrator, create_ledger, open_ledger
from metroledger.cli.audits import subject_of
from metroledger.cli.files import ingest_file
from metroledger.kept import BOOTSTRAP, KAFKA, LOG, REPLICAS, TOPIC, Topic
from metroledger.settings import DATABASE, HOME, Settings, read_settings
from projections.series import show
from replay.refold import Refold
from replay.report import audit_closed, audit_open
from schemas import canonical
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from random import Random
    from uuid import UUID

    from adapters.dso.enedis.series import SimulatedMeter
    from adapters.postgres.embedded import EmbeddedPostgres
    from application.deliveries import Outcome
    from domain.aggregates.reading import Series
    from metroledger.bootstrap import Installation
    from replay.report import Report

ROOT: Final = Path(__file__).resolve().parents[2]
ORIGIN: Final = "ledger.example.org/tests"
SEED: Final = 7
ENTRY: Final = date(2020, 1, 1)
_databases = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """One installation: where it lies, its database (None: embedded in the home), its topic.

    `also` are settings beyond these, as an operator would write them.
    """

    home: Path
    database: str | None
    topic: Topic | None = None
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        python = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        return {**os.environ, **self.told, **python}

    @property
    def told(self) -> dict[str, str]:
        """The settings that an operator would write."""
        named = {HOME: str(self.home)} | ({DATABASE: self.database} if self.database else {})
        if self.topic is not None:
            named |= {LOG: KAFKA, BOOTSTRAP: ",".join(self.topic.servers), TOPIC: self.topic.name}
            named |= {REPLICAS: str(self.topic.replicas)}
        return {**named, **self.also}

    @property
    def settings(self) -> Settings:
        return read_settings(self.told)

    def open(self) -> AbstractContextManager[Installation]:
        return open_ledger(self.settings)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start the command line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "metroledger", *map(str, arguments)],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object) -> Said:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
        return Said(process.returncode, out, err)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last word that was printed: the id of what was made."""
        return self.out.split()[-1]


@dataclass(frozen=True, slots=True)
class Household:
    """Somebody with an account, a declared meter and what they consented to."""

    account: UUID
    meter: UUID
    number: str
    consents: tuple[UUID, ...]


class Site:
    """One real server that syncs, in memory where there is memory, and places in it."""

    def __init__(self, root: Path, server: EmbeddedPostgres) -> None:
        self.root = root
        self.server = server

    def new(self) -> Place:
        """Make a place with an empty database."""
        number = next(_databases)
        return Place(self._home(number), self._create(number, "template1"))

    def copy(self, place: Place) -> Place:
        """Copy a place whole, its keys too, while nobody is in it."""
        number = next(_databases)
        shutil.copytree(place.home, home := self._home(number))
        return Place(home, self._create(number, _name(place)))

    def drop(self, place: Place) -> None:
        shutil.rmtree(place.home, ignore_errors=True)
        with psycopg.connect(self.server.conninfo, autocommit=True) as admin:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(_name(place))))

    def _home(self, number: int) -> Path:
        return self.root / f"home_{number}"

    def _create(self, number: int, template: str) -> str:
        name = f"place_{number}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(self.server.conninfo, autocommit=True) as admin:
            admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        return make_conninfo(self.server.conninfo, dbname=name)


def _name(place: Place) -> str:
    return psycopg.conninfo.conninfo_to_dict(place.database or "")["dbname"]  # type: ignore[return-value]  # ours has one


@contextlib.contextmanager
def working_directory() -> Iterator[Path]:
    """A directory the server's account can reach; in memory where possible, so syncs are cheap."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="metroledger-test-", dir=parent))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def found(place: Place) -> None:
    """Open a ledger, publish its texts, and sign an agreement with Enedis."""
    create_ledger(place.settings, ORIGIN)
    with place.open() as installation:
        furnish(installation)


def furnish(installation: Installation) -> None:
    services, actor = installation.services, administrator(installation)
    for kind in (TextKind.TERMS_OF_USE, TextKind.CONSENT_WORDING):
        text = offices.Text(version="1", language="fr", text=f"Le texte de {kind}.")
        offices.publish_text(services, actor, kind, text)
    signed = AgreementSigned(
        operator="enedis",
        reference="convention",
        channels=(Channel.SGE,),
        categories=(Category.DAILY_INDEX, Category.MAXIMUM_POWER),
        first_day=date(2019, 7, 5),
        last_day=date(2099, 12, 31),
    )
    offices.sign_agreement(services, actor, signed)


def settle(
    installation: Installation,
    number: str,
    *,
    name: str = "Marge BOUVIER",
    email: str | None = None,
    categories: Sequence[Category] = (Category.DAILY_INDEX,),
) -> Household:
    """Open an account, accept the terms, declare a meter, consent, and start collecting."""
    services = installation.services
    address = email or f"{number}@example.org"
    account = residents.open_account(services, name=name, email=address, language="fr")
    residents.accept(services, account, version="1", language="fr")
    point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=number)
    meter = residents.declare_meter(services, account, point, entry_day=ENTRY, power_kva=9)
    consents = tuple(grant(installation, account, meter, category) for category in categories)
    return Household(account, meter, number, consents)


def grant(
    installation: Installation,
    account: UUID,
    meter: UUID,
    category: Category = Category.DAILY_INDEX,
) -> UUID:
    services = installation.services
    consent = consenting.grant_consent(services, account, meter, wish(category))
    consenting.start(services, consent, Channel.SGE)
    return consent


def wish(category: Category = Category.DAILY_INDEX) -> Wish:
    return Wish(
        category=category,
        recipient="metropole",
        purpose="consumption_view",
        holder="BOUVIER",
        channel="test",
        act="button pressed",
        wording_version="1",
        language="fr",
        years=3,
    )


def settle_all(installation: Installation, meters: Iterable[SimulatedMeter]) -> list[Household]:
    """Settle one household a meter, many at a time."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda meter: settle(installation, meter.number), meters))


def write_nights(
    directory: Path, meters: Sequence[SimulatedMeter], days: Iterable[date], seed: int = SEED
) -> list[Path]:
    """Write one R151 a day, unencrypted; return the files."""
    directory.mkdir(exist_ok=True)
    paths = []
    for day in days:
        name, content = sent(Night(seed=seed, day=day, meters=meters))
        (path := directory / name).write_bytes(content)
        paths.append(path)
    return paths


def take(installation: Installation, path: Path, attempt: int = 0) -> Outcome:
    """Take one unencrypted file in."""
    return ingest_file(installation.services, Keyring(keys=()), path, attempt)


def series_of(installation: Installation, consent: UUID) -> Series:
    return show(installation.ledger.folder, installation.keyhole, consent).series


def closed(installation: Installation) -> Report:
    return audit_closed(subject_of(installation))


def opened(installation: Installation) -> Report:
    return audit_open(subject_of(installation), installation.keys.fetch)


def readings_held(installation: Installation) -> Counter[tuple[bytes, bytes]]:
    """Return how often each (consent, canonical reading) was accepted, read from the log alone."""
    held: Counter[tuple[bytes, bytes]] = Counter()
    for replayed in Refold(installation.log, ORIGIN).commits():
        for frame in replayed.record.frames:
            if frame.readings is not None:
                ids = key_ids(frame.readings, decode_private(frame.private).extra)
                keys = installation.keys.fetch(set(ids))
                places = range(len(frame.readings))
                for one in open_readings(frame.readings, ids, places, keys, frozenset()):
                    held[one.leaf.consent, canonical.encode(one.reading)] += 1
    return held


class cutting:  # noqa: N801 (used as a statement)
    """Cut every connection to a place's database, `cuts` times at random moments, then no more."""

    def __init__(self, place: Place, chance: Random, cuts: int) -> None:
        self._place, self._chance, self.left = place, chance, cuts
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._cut)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _cut(self) -> None:
        query = (
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'"
        )
        with psycopg.connect(self._place.database or "", autocommit=True) as admin:
            while self.left > 0 and not self._over.wait(self._chance.uniform(0.005, 0.05)):
                row = admin.execute(query).fetchone()
                self.left -= bool(row and row[0])
