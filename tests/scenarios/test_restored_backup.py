"""R16: an older copy in the place of the truth is noticed, and nothing is signed over it."""

from __future__ import annotations

import contextlib
import shutil
from datetime import date
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from adapters.dso.enedis.series import town
from application import erasure, residents
from domain.errors import Corrupt, Unavailable
from keys.redaction import KeyMissing
from ledger.fold import LogNotOurs
from metroledger.bootstrap import administrator, database_directory
from projections.series import show
from proofs.publication import TreeForked
from tests.application.world import (
    SEED,
    Household,
    Place,
    found,
    opened,
    readings_held,
    settle_all,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Site

DAYS = (date(2025, 3, 1), date(2025, 3, 2))
METERS = town(SEED, 3)


def promises(place: Place) -> tuple[bytes, bytes]:
    settings = place.settings
    return (settings.tiles / "checkpoint").read_bytes(), settings.checkpoints.read_bytes()


def test_an_embedded_database_restored_from_a_backup_is_refused_by_every_command(
    open_tmp_path: Path,
) -> None:
    place = Place(open_tmp_path / "home", None)
    found(place)
    first, second = write_nights(open_tmp_path / "nights", METERS, DAYS)
    with place.open() as ledger:
        households = settle_all(ledger, METERS)
        take(ledger, first)
    data = database_directory(place.settings) / "data"
    shutil.copytree(data, backup := open_tmp_path / "backup")
    chown_like(data, backup)
    assert place.run("ingest", second).code == 0
    kept = promises(place)
    data.rename(truth := open_tmp_path / "truth")
    backup.rename(data)
    commands: list[tuple[object, ...]] = [
        ("ingest", second),
        ("audit",),
        ("replay",),
        ("consents", households[0].account),
        ("consent", "withdraw", households[0].consents[0]),
    ]
    for command in commands:
        said = place.run(*command)
        assert said.code == 1
        assert said.out == ""
        assert "was restored from a backup" in said.err
        assert "Traceback" not in said.err
    assert promises(place) == kept, "nothing was signed"
    shutil.rmtree(data)
    truth.rename(data)
    said = place.run("audit", "--open")
    assert said.code == 0
    assert "6 of 6 readings" in said.out


def chown_like(model: Path, copy: Path) -> None:
    """Give a copied data directory to the server's account; copytree keeps modes, not owners."""
    status = model.stat()
    for path in (copy, *copy.rglob("*")):
        shutil.chown(path, status.st_uid, status.st_gid)


def test_a_database_swapped_under_a_running_process_gets_no_signature(
    site: Site, place: Place, tmp_path: Path
) -> None:
    first, second = write_nights(tmp_path / "nights", METERS, DAYS)
    with place.open() as ledger:
        settle_all(ledger, METERS)
    backup = site.copy(place)
    with place.open() as ledger:
        take(ledger, first)
        kept = promises(place)
        swap(site, place, backup)
        with pytest.raises(Corrupt):
            insist(ledger, second)
        assert promises(place) == kept
    # What was appended before it was noticed makes the old database another history of that size.
    with pytest.raises(TreeForked), place.open():
        pass
    assert promises(place) == kept
    site.drop(backup)


def insist(ledger: Installation, path: Path) -> None:
    """Take a file in, again for each connection that was cut."""
    for _ in range(20):
        with contextlib.suppress(Unavailable):
            take(ledger, path)
            return


def swap(site: Site, one: Place, other: Place) -> None:
    """Let two places' databases change names, cutting whoever is connected."""
    names = [conninfo_to_dict(place.database or "")["dbname"] for place in (one, other)]
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with psycopg.connect(site.server.conninfo, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = any(%s)",
            [names],
        )
        for old, new in ((names[0], "aside"), (names[1], names[0]), ("aside", names[1])):
            admin.execute(rename.format(sql.Identifier(str(old)), sql.Identifier(str(new))))


DAMAGES = {
    "its tail was cut off": 'delete from log where "offset" >= (select max("offset") from log)',
    "its tail was cut off and grew again": (
        'with last as (delete from log where "offset" = (select max("offset") from log)'
        ' returning "offset") insert into log select "offset", \'\\x00\' from last'
    ),
    "its last record was altered": (
        "update log set record = set_byte(record, 9, get_byte(record, 9) # 1)"
        ' where "offset" = (select max("offset") from log)'
    ),
    "it was emptied": "delete from log",
    "its beginning was deleted": 'delete from log where "offset" < 2',
    "its genesis was altered": (
        'update log set record = set_byte(record, 30, get_byte(record, 30) # 1) where "offset" = 0'
    ),
    "it was deleted and made again": "update log_identity set identity = gen_random_uuid()",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_log_that_is_not_the_one_that_was_folded_is_refused_at_start(
    place: Place, damage: str
) -> None:
    with place.open() as ledger:
        settle_all(ledger, METERS[:1])
    kept = promises(place)
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")  # past the append-only triggers
        admin.execute(DAMAGES[damage])
    with pytest.raises(LogNotOurs), place.open():
        pass
    assert promises(place) == kept


def test_an_append_only_table_refuses_its_owner(place: Place) -> None:
    with psycopg.connect(place.database or "", autocommit=True) as owner:
        for table in ("log", "commits", "segments", "leaves", "readings", "fates"):
            for statement in ("delete from {}", "truncate {}"):
                with pytest.raises(psycopg.errors.RaiseException, match="append only"):
                    owner.execute(sql.SQL(statement).format(sql.Identifier(table)))


@pytest.fixture
def erased(place: Place, tmp_path: Path) -> tuple[Place, Household, list[Household], Path]:
    """A ledger of which one of three was erased, and a copy of its home from before that."""
    (night,) = write_nights(tmp_path / "nights", METERS, DAYS[:1])
    with place.open() as ledger:
        gone, *others = settle_all(ledger, METERS)
        take(ledger, night)
    shutil.copytree(place.home, before := tmp_path / "before")
    with place.open() as ledger:
        erase(ledger, gone)
    return place, gone, others, before


def erase(ledger: Installation, home: Household) -> None:
    services, actor = ledger.services, administrator(ledger)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, actor, means="in person")
    erasure.validate(services, home.account, actor)
    erasure.erase(services, home.account, actor)


def restore(place: Place, before: Path, *names: str) -> None:
    for name in names:
        shutil.rmtree(place.home / name)
        shutil.copytree(before / name, place.home / name)


def test_an_older_key_store_under_the_present_keyring_opens_nothing_at_all(
    erased: tuple[Place, Household, list[Household], Path],
) -> None:
    place, _, _, before = erased
    restore(place, before, "keys")
    said = place.run("audit", "--open")
    assert said.code == 1
    assert said.out == ""
    assert "Traceback" not in said.err


def test_an_older_key_store_with_its_old_keyring_meets_the_journal_and_destroys_again(
    erased: tuple[Place, Household, list[Household], Path],
) -> None:
    """Everybody else is there again; who was erased since stays erased."""
    place, gone, others, before = erased
    restore(place, before, "keys", "keyring")
    with place.open() as ledger:
        assert ledger.keys.opening.keys_destroyed > 0
        assert ledger.keys.keys_of(gone.account) == {}
        shown = show(ledger.ledger.folder, ledger.keyhole, gone.consents[0])
        assert (shown.series.rows, shown.erased) == ({}, 1)
        for other in others:
            kept = show(ledger.ledger.folder, ledger.keyhole, other.consents[0])
            assert (len(kept.series.rows), kept.erased) == (1, 0)
        report = opened(ledger)
        assert (report.findings, report.opened, report.erased) == ([], 2, 1)


def test_a_key_lost_without_an_order_is_never_passed_off_as_an_erasure(
    place: Place, tmp_path: Path
) -> None:
    """A key store restored from before a mint lacks keys that no leaf orders destroyed."""
    (night,) = write_nights(tmp_path / "nights", METERS, DAYS[:1])
    with place.open() as ledger:
        settle_all(ledger, METERS)
    shutil.copytree(place.home, before := tmp_path / "before")
    with place.open() as ledger:
        take(ledger, night)
        assert len(readings_held(ledger)) == 3
    restore(place, before, "keys")
    with place.open() as ledger:
        report = opened(ledger)
        assert (report.opened, report.erased) == (0, 0)
        assert not report.passed
        with pytest.raises(KeyMissing):
            readings_held(ledger)
