"""The exit codes that scripts rest on: 0 in order, 1 a breach or refuted, 2 could not tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from adapters.dso.enedis.series import town
from ledger import record as records
from metroledger.cli import main
from metroledger.settings import DATABASE, HOME
from tests.application.conftest import founded, site
from tests.application.world import SEED, settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.application.world import Place, Site

__all__ = ["founded", "site"]

NOWHERE = "host=/nonexistent dbname=none connect_timeout=1"


@pytest.fixture(scope="module")
def lived(
    site: Site, founded: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, str]]:
    """A ledger with one household, two nights' readings, and the receipt of a consent."""
    place = site.copy(founded)
    homes = town(SEED, 1)
    nights = [date(2026, 11, 1) + timedelta(days=n) for n in range(2)]
    with place.open() as installation:
        household = settle(installation, homes[0].number)
        for path in write_nights(tmp_path_factory.mktemp("nights"), homes, nights):
            take(installation, path)
    yield place, str(household.consents[0])
    site.drop(place)


@pytest.fixture
def run(lived: tuple[Place, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in this process, with nothing of the environment but the place."""
    place, _ = lived
    monkeypatch.setenv(HOME, str(place.home))
    monkeypatch.setenv(DATABASE, place.database or "")
    return lambda *arguments: main([str(one) for one in arguments])


@pytest.fixture
def log(lived: tuple[Place, str]) -> Iterator[psycopg.Connection]:
    """The database, open to whoever owns it; put back as it was afterwards."""
    with psycopg.connect(lived[0].database or "", autocommit=True) as connection:
        kept = connection.execute('select record, "offset" from log').fetchall()
        yield connection
        for record, offset in kept:
            overwrite(connection, record, offset)


def overwrite(connection: psycopg.Connection, record: bytes, offset: int) -> None:
    """Change a record; every opening of the ledger forbids it anew."""
    connection.execute("alter table log disable trigger user")
    connection.execute('update log set record = %s where "offset" = %s', (record, offset))


def test_a_ledger_in_order_is_0_by_every_command(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert [run("audit"), run("audit", "--open"), run("audit", "--json"), run("replay")] == [0] * 4
    assert run("replay", "--as-of", 0) == 0
    said = capsys.readouterr()
    assert "breaches: none" in said.out
    assert said.err == ""


def test_a_verified_receipt_is_0_a_refuted_one_1_and_no_receipt_2(
    run: Callable[..., int], lived: tuple[Place, str], tmp_path: Path
) -> None:
    path = tmp_path / "consent.tlog-proof"
    assert run("receipt", lived[1], "--output", path) == 0
    assert run("verify", path) == 0
    receipt = bytearray(path.read_bytes())
    receipt[len(receipt) // 2] ^= 1
    (tmp_path / "altered").write_bytes(receipt)
    assert run("verify", tmp_path / "altered") == 1
    (tmp_path / "empty").write_bytes(b"")
    assert run("verify", tmp_path / "empty") == 1
    assert run("verify", tmp_path / "missing") == 2
    assert run("verify", path, "--key", tmp_path / "missing") == 2


def altered(log: psycopg.Connection, change: Callable[[records.Record], records.Record]) -> int:
    """Change the first record that holds readings, as the database's owner can."""
    for offset, record in log.execute('select "offset", record from log order by 1').fetchall():
        if (before := records.decode(record)).frames and before.frames[0].readings is not None:
            after = change(before)
            frames = [records.encode_frame(frame) for frame in after.frames]
            whole = records.assemble(after.header_bytes, frames)
            overwrite(log, whole, offset)
            return int(offset)
    raise LookupError


def test_a_breach_is_1_and_is_named(
    run: Callable[..., int], log: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    def forget_a_read(record: records.Record) -> records.Record:
        header = replace(record.header, reads=record.header.reads[1:])
        return replace(record, header_bytes=records.encode_header(header))

    altered(log, forget_a_read)
    assert run("audit") == 1
    assert "BREACH header_or_private_zone_altered: leaf " in capsys.readouterr().out
    assert run("audit", "--json") == 1


def test_an_altered_ciphertext_is_1_only_with_keys(
    run: Callable[..., int], log: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    def flip(record: records.Record) -> records.Record:
        frame = record.frames[0]
        assert frame.readings is not None
        first, *rest = frame.readings.sealed
        sealed = (first[:-1] + bytes([first[-1] ^ 1]), *rest)
        readings = replace(frame.readings, sealed=sealed)
        return replace(record, frames=(replace(frame, readings=readings), *record.frames[1:]))

    altered(log, flip)
    assert run("audit") == 0
    assert run("audit", "--open") == 1
    assert "BREACH event_unreadable: leaf " in capsys.readouterr().out


def test_what_was_folded_otherwise_is_1_by_replay(
    run: Callable[..., int], log: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = log.execute("update heads set ended = not ended").rowcount
    assert changed > 0
    assert run("replay") == 1
    assert f"{changed} streams and 0 commands differ" in capsys.readouterr().out
    log.execute("update heads set ended = not ended")
    assert run("replay") == 0


def test_a_size_the_tree_never_had_is_1(run: Callable[..., int]) -> None:
    assert run("replay", "--as-of", 10**6) == 1


def test_a_database_that_does_not_answer_is_2(
    run: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATABASE, NOWHERE)
    for command in (["audit"], ["audit", "--open"], ["replay"], ["replay", "--as-of", 1]):
        assert run(*command) == 2
    assert "metroledger: " in capsys.readouterr().err
