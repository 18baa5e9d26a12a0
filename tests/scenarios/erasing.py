"""A whole life of an account in a home of its own, erased at the end, and copies of the home."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring, format_keyring
from adapters.dso.enedis.series import SimulatedMeter, index_wh, town
from adapters.dso.enedis.simulator import Night, sent
from adapters.postgres.embedded import EmbeddedPostgres
from application import answering, consenting, erasure, residents, seeing
from application.access import passwords, sessions
from application.upkeep import look_after
from bench.watching import Watch, watched
from domain.aggregates import account
from domain.aggregates.consumption import consumption
from domain.events.account import AccountOpened
from domain.values import Channel, Fluid, Point
from keys.keyring import FileKeyring
from keys.store import FILE_NAME
from metroledger.bootstrap import administrator, database_directory
from metroledger.portal import site_of
from metroledger.settings import QUIET_SECONDS
from projections.requests import Outcome
from projections.series import show
from tests.application.world import (
    ENTRY,
    SEED,
    Household,
    Place,
    closed,
    found,
    opened,
    series_of,
    settle,
    settle_all,
    wish,
    working_directory,
)
from tests.scenarios.canaries import Seeker
from tests.scenarios.opening import opened_texts
from tests.scenarios.watching import metrics, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from domain.aggregates.consumption import DayConsumption
    from domain.aggregates.reading import Series
    from metroledger.bootstrap import Installation
    from replay.report import Report
    from tests.application.world import Said

NAME: Final = "Zéphyrine QUATREPOINT"
EMAIL: Final = "zephyrine.quatrepoint@canari.example"
HOLDER: Final = "QUATREPOINT-LACANARI"
METER: Final = SimulatedMeter(
    number="09870123456789", distributor=2, supplier=1, reference="MCANARI1"
)
SECOND: Final = SimulatedMeter(
    number="09870123456801", distributor=1, supplier=1, reference="MCANARI2"
)
NEIGHBOUR: Final = SimulatedMeter(
    number="09870123456790", distributor=1, supplier=2, reference="MAUTRE02"
)
TOWN: Final = town(SEED, 12)
"""Others, so that the ledger is populated."""

KEY: Final = FileKey(name="tests", algorithm=Algorithm.AES_256_CBC, secret=b"k" * 32)
FIRST: Final = date(2026, 3, 1)
NIGHTS: Final = 16
PASSWORD: Final = "le canari chante à minuit"
ACT: Final = "bouton « J’accepte » sous le canari"
SECOND_HOLDER: Final = "LACANARISSE veuve QUATREPOINT"
MEANS: Final = "rappel au 04 76 00 12 34 par Zoé"
HELD: Final = "le juge Canarigault demande ces données"
REFUSED: Final = "la pièce du canari était illisible"

INDEXES: Final = tuple(
    str(index_wh(SEED, meter.number, FIRST + timedelta(days=n + 1)))
    for meter in (METER, SECOND)
    for n in range(NIGHTS)
)
CANARIES: Final = (
    NAME,
    "Zéphyrine",
    "QUATREPOINT",
    EMAIL,
    EMAIL.partition("@")[0],
    HOLDER,
    SECOND_HOLDER,
    ACT,
    MEANS,
    HELD,
    REFUSED,
    *(meter.number for meter in (METER, SECOND)),
    *(meter.reference for meter in (METER, SECOND)),
    *(f"enedis\nelectricity\n{meter.number}" for meter in (METER, SECOND)),
    *INDEXES,
    PASSWORD,
)
"""Fifty facts of the erased; each is looked for in some two hundred forms."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of a ledger at one moment."""

    size: int
    root: bytes
    closed: Report
    opened: Report
    neighbour: list[DayConsumption]
    others: Mapping[UUID, Series]
    held: int
    erased: int
    name: str | None
    texts: Mapping[str, str]


@dataclass(slots=True)
class Life:
    """One story: the home as it is now, copies of it, and everything that was ever printed."""

    place: Place
    said: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, bytes] = field(default_factory=dict)
    others: list[UUID] = field(default_factory=list)
    seeker: Seeker = field(default_factory=lambda: Seeker(CANARIES))

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
        yield Life(Place(root / "home", None, also={QUIET_SECONDS: "1"}))


@contextlib.contextmanager
def kept_up(place: Place) -> Iterator[None]:
    """Keep the embedded server of a place running, between processes that use it."""
    with EmbeddedPostgres(database_directory(place.settings)):
        yield


def live(life: Life) -> tuple[Household, Household]:
    """Let people live in a ledger; return whom to erase, and who is looked at beside them."""
    with kept_up(life.place):
        found(life.place)
        with life.place.open() as installation:
            leaving = _arrive(installation)
            staying = settle(installation, NEIGHBOUR.number)
            life.others += [one.consents[0] for one in settle_all(installation, TOWN)]
        _deliver(life)
        for name, consent in (("leaving", leaving), ("staying", staying)):
            target = life.place.home.parent / f"{name}.tlog-proof"
            life.must("receipt", consent.consents[0], "--output", target)
            life.receipts[name] = target.read_bytes()
        life.must("consents", leaving.account)
        life.must("audit", "--open")
    return leaving, staying


def _arrive(installation: Installation) -> Household:
    services = installation.services

    def declared(meter: SimulatedMeter) -> UUID:
        point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=meter.number)
        return residents.declare_meter(services, who, point, entry_day=ENTRY, power_kva=9)

    def granted(meter: UUID, holder: str) -> UUID:
        wanted = replace(wish(), holder=holder, act=ACT)
        consent = consenting.grant_consent(services, who, meter, wanted)
        consenting.start(services, consent, Channel.SGE)
        return consent

    who = residents.open_account(services, name=NAME, email=EMAIL, language="fr")
    residents.accept(services, who, version="1", language="fr")
    passwords.keep(services, installation.access, who, PASSWORD)
    meters = declared(METER), declared(SECOND)
    consents = granted(meters[0], HOLDER), granted(meters[1], SECOND_HOLDER)
    return Household(who, meters[0], METER.number, consents)


def _deliver(life: Life) -> None:
    """Let the operator's nights arrive, encrypted, and a file in clear that cannot be read."""
    keys = life.place.home.parent / "operator.json"
    keys.write_text(format_keyring(Keyring(keys=(KEY,))), "utf-8")
    life.must("operator", "keys", keys)
    incoming = life.place.settings.incoming / "enedis"
    incoming.mkdir(parents=True)
    for n in range(NIGHTS):
        meters = (METER, SECOND, NEIGHBOUR, *TOWN)
        night = Night(seed=SEED, day=FIRST + timedelta(days=n), meters=meters)
        name, content = sent(night, KEY)
        (incoming / name).write_bytes(content)
    broken = "<R151>" + "\n".join(CANARIES)
    (incoming / "ERDF_R151_broken.xml").write_text(broken, "utf-8")
    life.must("collect", "--once", "--watch")


def ask_at_the_desk(life: Life, leaving: Household) -> None:
    """Let the person ask, be refused with a reason, ask anew, be looked at, held and let go on."""
    with life.place.open() as installation:
        desk, services = site_of(installation).desk, installation.services
        by, who = administrator(installation), leaving.account
        desk.request(who)
        desk.refuse(who, by, reason=REFUSED)
        desk.request(who)
        seeing.requester(services, who, by)
        erasure.check_identity(services, who, by, means=MEANS)
        desk.hold(who, by, reason=HELD)
        desk.lift(who, by)
        look_after(services, installation.cursors)


def ask_for_erasure(installation: Installation, home: Household) -> None:
    services = installation.services
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, administrator(installation), means="in person")
    erasure.validate(services, home.account, administrator(installation))


def erase_at_work(life: Life, leaving: Household) -> tuple[Watch, float]:
    """Validate while all parts run, and wait for the certificate; return what was seen meanwhile.

    And the seconds from the validation to the certificate. What the parts wrote is kept.
    """
    log = life.place.home.parent / "run.log"
    with running(life.place, log) as (web, operations), life.place.open() as installation:
        services = installation.services
        cookie = sessions.begin(services, installation.access, account=leaving.account)
        facts = [fact for fact in CANARIES if "\n" not in fact]
        watch = Watch(port=web, cookie=cookie, facts=facts)
        with watched(watch, life.place.settings.destroyed):
            _wait(lambda: len(watch.answered_at) > 1)
            site_of(installation).desk.validate(leaving.account, administrator(installation))
            begun = time.monotonic()
            _wait(lambda: _is_erased(installation, leaving.account))
            took = time.monotonic() - begun
            _wait(lambda: any(status == HTTPStatus.UNAUTHORIZED for _, status in watch.answers))
        said = metrics([operations, operations + 1, operations + 2])
    life.said |= {"log of all parts": log.read_text("utf-8"), "metrics": said[0]}
    life.said |= {f"metrics of portal {number}": said[number] for number in (1, 2)}
    return watch, took


def _is_erased(installation: Installation, owner: UUID) -> bool:
    told = answering.request_of(installation.services, owner)
    return told is not None and told.outcome is Outcome.ERASED


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def see(place: Place, leaving: Household, staying: Household, others: Sequence[UUID] = ()) -> Seen:
    """Look at everything a process of the metropolis could look at."""
    with place.open() as installation:
        signed = installation.publisher.published()
        assert signed is not None
        profile = installation.ledger.load(account, leaving.account).state.opened
        days = (FIRST + timedelta(days=1), FIRST + timedelta(days=NIGHTS - 1))
        shown = [
            show(installation.ledger.folder, installation.keyhole, consent)
            for consent in leaving.consents
        ]
        return Seen(
            size=signed.checkpoint.size,
            root=signed.checkpoint.root,
            closed=closed(installation),
            opened=opened(installation),
            neighbour=list(consumption(series_of(installation, staying.consents[0]), *days)),
            others={one: series_of(installation, one) for one in others},
            held=sum(len(one.series.rows) for one in shown),
            erased=sum(one.erased for one in shown),
            texts=opened_texts(installation),
            name=profile.name if isinstance(profile, AccountOpened) else None,
        )


def canaries_in(life: Life) -> list[tuple[str, str]]:
    return life.seeker.search(life.place.home, life.said)


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
