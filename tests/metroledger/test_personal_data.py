"""The registry of personal data names every column, file and figure of a ledger at work."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.dso.enedis.series import town
from adapters.http.serving import served
from application.deliveries import Result
from keys.store import FILE_NAME
from metroledger.bootstrap import open_ledger
from metroledger.operations import Watched, operations_of
from metroledger.personal_data import REGISTRY
from metroledger.personal_data.entry import Place
from metroledger.settings import Settings
from tests.application.conftest import founded, site
from tests.application.world import settle, take, write_nights
from tests.architecture.test_personal_data import REGISTER, Fields, registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.application.world import Place as Home
    from tests.application.world import Site

__all__ = ["founded", "site"]


@pytest.fixture(scope="module")
def home(site: Site, founded: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A ledger in which something of everything happened: its place, closed."""
    home = site.copy(founded)
    meters = town(7, 2)
    nights = write_nights(
        tmp_path_factory.mktemp("nights"), meters, [date(2026, 3, 1), date(2026, 3, 2)]
    )
    with home.open() as ledger:
        settle(ledger, meters[0].number)
        assert take(ledger, nights[0]).result is Result.TAKEN_IN
        nights[1].write_bytes(b"no archive")
        assert take(ledger, nights[1]).result is Result.PARKED
        ledger.shown.catch_up()
    yield home
    site.drop(home)


def test_every_column_of_the_database_is_registered(home: Home) -> None:
    query = (
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema <> 'information_schema' and table_schema not like 'pg\\_%'"
    )
    columns: Fields = defaultdict(set)
    with psycopg.connect(home.database or "") as connection:
        for schema, table, column in connection.execute(query).fetchall():
            shown = str(schema).startswith("projection_")
            columns[f"projection.{table}" if shown else table].add(column)
    assert registered(Place.DATABASE) == columns, REGISTER


def test_every_column_of_the_key_store_is_registered(home: Home) -> None:
    with closing(sqlite3.connect(home.settings.keys / FILE_NAME)) as store:
        tables = [
            name for (name,) in store.execute("select name from sqlite_schema where type = 'table'")
        ]
        columns = {
            table: {row[1] for row in store.execute(f"pragma table_info({table})")}
            for table in tables
        }
    assert registered(Place.KEY_STORE) == columns, REGISTER


def test_every_file_of_a_ledger_lies_in_a_registered_place(home: Home) -> None:
    settings = home.settings
    places = {holder: _path(settings, holder) for holder in registered(Place.FILE)}
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    strays = [
        path
        for path in files
        if not any(one and path.is_relative_to(one) for one in places.values())
    ]
    assert strays == []
    assert next(iter(settings.parked.iterdir())).is_relative_to(places["parked"] or Path())


def test_every_label_of_every_metric_is_registered(home: Home) -> None:
    counts = Watched()
    labels: Fields = defaultdict(set)
    with (
        open_ledger(home.settings, observe=counts.observe) as ledger,
        served(operations_of(ledger, counts, ledger=True), ("127.0.0.1", 0)) as port,
    ):
        httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status()  # the second counts it
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
    for family in text_string_to_metric_families(text):
        if family.name.startswith("metroledger_") and not family.name.endswith("_created"):
            labels[family.name].update(name for one in family.samples for name in one.labels)
    assert {name: found for name, found in labels.items() if found} == registered(Place.METRIC)


def test_the_command_tells_the_periods_of_its_own_installation(home: Home) -> None:
    said = home.run("personal-data", "--json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert len(rows) == sum(len(one.fields) for one in REGISTRY)
    assert {row["kept"] for row in rows if row["holder"] == "outbox"} == {"2 days at most"}
    assert "## By purpose" in home.run("personal-data").out


def _path(settings: Settings, holder: str) -> Path | None:
    if "/" in holder:
        return settings.home / holder
    for owner in (settings, settings.dropbox, settings.portal):
        if hasattr(owner, holder):
            found: Path | None = getattr(owner, holder)
            return found
    pytest.fail(f"{holder} is no setting")
