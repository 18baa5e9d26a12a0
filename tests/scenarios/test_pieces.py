"""What each piece of an installation opens alone, and what a restored one opens: counts."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from adapters.dso.enedis.series import town
from keys.database import KeyStoreMissing
from keys.gate import EpochKeyMissing
from keys.keyring import FileKeyring
from keys.store import FILE_NAME, KeyStore
from metroledger.bootstrap import open_keys
from tests.application.world import SEED, Place, settle_all, take, write_nights
from tests.scenarios.pieces import Sealed, opened, sealed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Household, Site

PEOPLE, NIGHTS = 10, 4
METERS = town(SEED, PEOPLE)
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
DAYS = [date(2025, 3, day) for day in range(1, NIGHTS + 1)]


@dataclass(frozen=True, slots=True)
class Peopled:
    """A ledger in which people live, who they are, and all that is sealed in its log."""

    place: Place
    people: list[Household]
    payloads: list[Sealed]


@pytest.fixture(scope="module")
def peopled(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Peopled]:
    place = site.copy(founded)
    with place.open() as installation:
        people = settle_all(installation, METERS)
        for night in write_nights(tmp_path_factory.mktemp("nights") / "in", METERS, DAYS):
            take(installation, night)
        payloads = sealed_in(installation.log)
    yield Peopled(place, people, payloads)
    site.drop(place)


@pytest.fixture
def home(site: Site, peopled: Peopled) -> Iterator[Place]:
    """A copy of it, to be taken apart."""
    place = site.copy(peopled.place)
    yield place
    site.drop(place)


def keys_of(place: Place) -> KeyStore:
    return open_keys(place.settings)


@contextlib.contextmanager
def rows(place: Place) -> Iterator[sqlite3.Connection]:
    """Reach the key store's rows past it, as a thief would."""
    with contextlib.closing(sqlite3.connect(place.settings.keys / FILE_NAME)) as store, store:
        yield store


def dump(place: Place) -> bytes:
    """All tables of a ledger's database, byte for byte."""
    with psycopg.connect(place.database or "") as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname = 'public'"
        ).fetchall()
        content = bytearray()
        for schema, table in tables:
            named = sql.Identifier(str(schema), str(table))
            statement = sql.SQL("copy (select * from {}) to stdout (format binary)").format(named)
            with connection.cursor().copy(statement) as out:
                for part in out:
                    content += part
    assert len(tables) > 5
    return bytes(content)


def secrets_of(place: Place) -> list[bytes]:
    """Every secret that a thief would need: the epoch's, each person's, each sub-key's."""
    (epoch,) = FileKeyring(place.settings.keyring).epochs()
    with keys_of(place) as keys, rows(place) as store:
        ids = [UUID(bytes=one) for (one,) in store.execute("SELECT id FROM keys")]
        return [epoch.secret, *(key.secret for key in keys.fetch(ids).values())]


def test_the_whole_installation_opens_all_of_it(peopled: Peopled, home: Place) -> None:
    """The control of all that follows."""
    assert len(peopled.payloads) >= PEOPLE * (NIGHTS + 3)
    with keys_of(home) as keys:
        assert opened(peopled.payloads, keys.fetch) == len(peopled.payloads)


def test_a_database_dump_alone_opens_no_event(peopled: Peopled, home: Place) -> None:
    content, secrets = dump(home), secrets_of(home)
    assert len(secrets) > 3 * PEOPLE
    assert [one for one in secrets if one in content or one.hex().encode() in content] == []
    assert all(one.content in content for one in peopled.payloads), "it is a dump of the log"
    shutil.rmtree(home.settings.keys)
    with pytest.raises(KeyStoreMissing), home.open():
        pass
    shutil.rmtree(home.settings.keyring.parent)
    shutil.rmtree(home.settings.destroyed.parent)
    keyring = FileKeyring.create(home.settings.keyring)
    journal = home.settings.destroyed
    with KeyStore.create(home.settings.keys, keyring=keyring, journal=journal, now=NOW) as keys:
        assert opened(peopled.payloads, keys.fetch) == 0


def test_the_epoch_key_alone_opens_no_event(peopled: Peopled, home: Place) -> None:
    """Nor with the database: what it wraps lies in the key store, and nowhere else."""
    (epoch,) = FileKeyring(home.settings.keyring).epochs()
    assert [one for one in peopled.payloads if one.opens_with(epoch.secret)] == []
    shutil.rmtree(home.settings.keys)
    with pytest.raises(KeyStoreMissing), home.open():
        pass


def test_wrapped_keys_moved_to_another_owner_open_no_event(peopled: Peopled, home: Place) -> None:
    """By the row, by the wrapped bytes, and by the owner's name on the row of a person."""
    with rows(home) as store:
        last = store.execute("SELECT max(number) FROM persons").fetchone()[0]
        store.execute("UPDATE keys SET person = person % ? + 1", (last,))
    with keys_of(home) as keys:
        assert opened(peopled.payloads, keys.fetch) == 0
    with rows(home) as store:
        store.execute("UPDATE keys SET person = (person + ? - 2) % ? + 1", (last, last))
    with keys_of(home) as keys:
        assert opened(peopled.payloads, keys.fetch) == len(peopled.payloads), "put back"
    with rows(home) as store:
        owners = [one for (one,) in store.execute("SELECT owner FROM persons ORDER BY number")]
        store.execute("UPDATE persons SET owner = randomblob(16)")
        moved = [(owner, n) for n, owner in enumerate([*owners[1:], owners[0]], 1)]
        store.executemany("UPDATE persons SET owner = ? WHERE number = ?", moved)
    with keys_of(home) as keys:
        assert opened(peopled.payloads, keys.fetch) == 0


def test_a_key_store_of_an_earlier_epoch_opens_no_event(peopled: Peopled, home: Place) -> None:
    """As it is, and forged to say that it is of the present epoch."""
    former = shutil.copytree(home.settings.keys, home.home / "former")
    with keys_of(home) as keys:
        keys.end_epoch(NOW)
        assert opened(peopled.payloads, keys.fetch) == len(peopled.payloads)
    shutil.rmtree(home.settings.keys)
    former.rename(home.settings.keys)
    with pytest.raises(EpochKeyMissing, match="restore the copy that was made at the last epoch"):
        keys_of(home)
    (epoch,) = FileKeyring(home.settings.keyring).epochs()
    with rows(home) as store:
        store.execute("UPDATE meta SET epoch = ?", (epoch.id.bytes,))
    with keys_of(home) as keys:
        assert opened(peopled.payloads, keys.fetch) == 0
