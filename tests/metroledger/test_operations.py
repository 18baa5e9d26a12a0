"""The operations port of a real ledger: alive, ready, in figures, and what it never says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.series import town
from adapters.http.serving import served
from application import consenting
from application.notifying import see_to_notices
from domain.aggregates.consent import Origin
from domain.aggregates.notice import LIVING
from domain.errors import Refused
from metroledger.bootstrap import open_ledger
from metroledger.cli.files import ingest_file
from metroledger.operations import Watched, operations_of
from metroledger.settings import read_settings
from tests.application.conftest import founded, ledger, place, site
from tests.application.test_notices import erase
from tests.application.world import ROOT, settle, take, write_nights
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Place, Site

__all__ = ["founded", "ledger", "place", "site"]

NAME, EMAIL = "Hildegarde ZWEIBRÜCKEN", "hildegarde@example.org"
LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture
def watched(place: Place) -> Iterator[tuple[Installation, str]]:
    """A ledger whose keys are timed, and the address of its operations port."""
    counts = Watched()
    with (
        open_ledger(place.settings, observe=counts.observe) as installation,
        served(operations_of(installation, counts, ledger=True), LOOPBACK) as port,
    ):
        yield installation, f"http://127.0.0.1:{port}"


def figures(url: str) -> dict[str, float]:
    """Every sample of a scrape, by its name and labels as they are written."""
    text = httpx.get(f"{url}/metrics").raise_for_status().text
    return {
        sample.name + "".join(f"{{{v}}}" for v in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_process_is_alive_and_ready(watched: tuple[Installation, str]) -> None:
    _, url = watched
    assert httpx.get(f"{url}/healthz").text == "alive\n"
    ready = httpx.get(f"{url}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "checks": {"log": "ok", "key-store": "ok", "checkpoint": "ok", "shown": "ok"},
    }


def test_a_log_that_is_not_ours_any_more_makes_it_not_ready(
    watched: tuple[Installation, str], place: Place
) -> None:
    _, url = watched
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("update log_identity set identity = gen_random_uuid()")
    ready = httpx.get(f"{url}/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["log"] == "broken"
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_key_store_that_lost_its_keyring_makes_it_not_ready(
    watched: tuple[Installation, str], place: Place
) -> None:
    _, url = watched
    place.settings.keyring.unlink()
    assert httpx.get(f"{url}/readyz").json()["checks"]["key-store"] == "broken"


def test_an_event_that_cannot_be_read_is_an_alarm_and_the_process_stays_ready(
    watched: tuple[Installation, str], place: Place
) -> None:
    ledger, url = watched
    before = figures(url)
    assert before["metroledger_unreadable_events"] == 0
    assert before["metroledger_check_state{readable}"] == 0
    settle(ledger, "09111642617347")
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("alter table log disable trigger append_only")
        admin.execute(
            "update log set record = set_byte(record, length(record) - 1,"
            " get_byte(record, length(record) - 1) # 1)"
            ' where "offset" = (select max("offset") - 1 from log)'
        )
    ledger.shown.catch_up()
    after = figures(url)
    assert after["metroledger_unreadable_events"] == 1
    assert after["metroledger_check_state{readable}"] == 2
    assert httpx.get(f"{url}/readyz").status_code == 200


def test_notices_are_counted_and_one_that_needs_a_person_is_to_be_watched(
    watched: tuple[Installation, str],
) -> None:
    ledger, url = watched
    before = figures(url)
    assert [before[f"metroledger_notices{{{one}}}"] for one in LIVING] == [0, 0, 0]
    assert before["metroledger_check_state{notices}"] == 0
    erase(ledger, settle(ledger, "09111642617347"))
    assert figures(url)["metroledger_notices{queued}"] == 1
    see_to_notices(ledger.services, {})
    after = figures(url)
    assert [after[f"metroledger_notices{{{one}}}"] for one in LIVING] == [0, 0, 1]
    assert after["metroledger_check_state{notices}"] == 1


def test_a_database_that_is_gone_makes_it_not_ready_and_the_scrape_says_so(
    watched: tuple[Installation, str], place: Place, site: Site
) -> None:
    _, url = watched
    name = sql.Identifier(database_of(place))
    with psycopg.connect(site.server.conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
            (database_of(place),),
        )
        gone = httpx.get(f"{url}/readyz"), figures(url)
        admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
    assert gone[0].status_code == 503
    assert gone[1]["metroledger_up"] == 0
    assert "metroledger_tree_leaves" not in gone[1]
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert figures(url)["metroledger_up"] == 1


def database_of(place: Place) -> str:
    return str(conninfo_to_dict(place.database or "")["dbname"])


def test_what_was_done_is_in_the_figures_whoever_did_it(
    watched: tuple[Installation, str], place: Place, tmp_path: Path
) -> None:
    _, url = watched
    before = figures(url)
    with place.open() as other:
        (meter, stranger) = town(7, 2)
        home = settle(other, meter.number)
        (night,) = write_nights(tmp_path / "files", [meter, stranger], [date(2026, 11, 24)])
        taken = take(other, night)
        (broken := tmp_path / "ERDF_R151_broken.zip").write_bytes(b"no file of anybody")
        (reason,) = ingest_file(other.services, Keyring(keys=()), broken).counts
        consenting.withdraw_consent(other.services, home.consents[0], origin=Origin.RESIDENT)
        leaves = other.store.cursor().size
    after = figures(url)
    assert before["metroledger_readings_taken_total"] == 0
    assert after["metroledger_readings_taken_total"] == taken.counts["accepted"]
    assert after["metroledger_deliveries_total"] == 1
    assert after[f"metroledger_deliveries_parked_total{{{reason}}}"] == 1
    assert after["metroledger_events_total{ConsentGranted.v1}"] == 1
    assert after["metroledger_consents"] == 0
    assert after["metroledger_tree_leaves"] == after["metroledger_checkpoint_leaves"] == leaves
    assert after["metroledger_fold_lag_records"] == 0
    refused = [v for k, v in after.items() if k.startswith("metroledger_readings_refused_total")]
    assert sum(refused) > 0


def test_a_process_times_its_own_keys_and_requests(watched: tuple[Installation, str]) -> None:
    installation, url = watched
    settle(installation, "30001112223334")
    httpx.get(f"{url}/healthz")
    found = figures(url)
    assert found["metroledger_key_store_seconds_count{write}"] > 0
    assert found["metroledger_key_store_seconds_count{read}"] > 0
    assert found["metroledger_http_requests_total{GET}{/healthz}{200}"] == 1


def test_a_process_that_is_not_the_ledgers_watcher_tells_of_itself_alone(
    ledger: Installation,
) -> None:
    app = operations_of(ledger, Watched(), ledger=False)
    with served(app, LOOPBACK) as port:
        found = figures(f"http://127.0.0.1:{port}")
    assert "metroledger_up" not in found
    assert "process_resident_memory_bytes" in found


def test_an_address_that_is_taken_is_refused_at_the_start(ledger: Installation) -> None:
    app = operations_of(ledger, Watched(), ledger=False)
    with (
        served(app, LOOPBACK) as port,
        pytest.raises(OSError, match="in use"),
        served(app, ("127.0.0.1", port)),
    ):
        pass


def test_nothing_of_a_person_is_in_a_figure_and_no_id(
    watched: tuple[Installation, str], tmp_path: Path
) -> None:
    installation, url = watched
    (meter,) = town(7, 1)
    home = settle(installation, meter.number, name=NAME, email=EMAIL)
    (night,) = write_nights(tmp_path / "files", [meter], [date(2026, 11, 24)])
    take(installation, night)
    text = httpx.get(f"{url}/metrics").text + httpx.get(f"{url}/readyz").text
    ids = [home.account, home.meter, *home.consents]
    personal = [NAME, EMAIL, meter.number, *map(str, ids), *(one.hex for one in ids)]
    assert [value for value in personal if value in text] == []


def test_as_many_series_come_of_a_dozen_homes_as_of_two(
    watched: tuple[Installation, str],
) -> None:
    installation, url = watched

    def live(number: int) -> None:
        settle(installation, f"3000111222{number:04}")
        httpx.get(f"{url}/consents/{number}")

    live(0)
    live(1)
    figures(url)
    few = figures(url).keys()
    for number in range(2, 12):
        live(number)
    assert figures(url).keys() == few


def test_the_command_serves_until_it_is_asked_to_end(place: Place) -> None:
    environment = {**place.environment, "METROLEDGER_OPERATIONS": "127.0.0.1:0"}
    with subprocess.Popen(
        [sys.executable, "-m", "metroledger", "operations"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[2].rstrip(":"))
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["ready"]
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - begun < 10
    assert [line.split('"event":"')[1].split('"')[0] for line in told.splitlines()] == [
        "operations-started",
        "http-request",
        "operations-ended",
    ]


def test_it_is_bound_to_loopback_unless_told_otherwise() -> None:
    assert read_settings({}).operations == ("127.0.0.1", 9464)
    assert read_settings({"METROLEDGER_OPERATIONS": "[::1]:80"}).operations == ("::1", 80)


def test_the_portal_answers_for_itself_on_the_next_port_and_not_on_its_public_one(
    place: Place,
) -> None:
    ports = free_ports(2)
    addresses = {
        "METROLEDGER_OPERATIONS": f"127.0.0.1:{ports}",
        "METROLEDGER_WEB": "127.0.0.1:0",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "metroledger", "serve"],
        env=place.environment | addresses,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        public = json.loads(process.stderr.readline())["port"]
        hidden = [
            httpx.get(f"http://127.0.0.1:{public}/{name}").status_code
            for name in ("metrics", "healthz", "readyz")
        ]
        found = figures(f"http://127.0.0.1:{ports + 1}")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert hidden == [404, 404, 404]
    assert found["metroledger_http_requests_total{GET}{none}{404}"] == 3
    assert "metroledger_up" not in found


@pytest.mark.parametrize("text", ["9464", ":9464", "127.0.0.1", "127.0.0.1:port", "h:65535"])
def test_an_address_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(Refused, match="METROLEDGER_OPERATIONS"):
        read_settings({"METROLEDGER_OPERATIONS": text})


def test_the_manual_explains_every_figure(watched: tuple[Installation, str]) -> None:
    _, url = watched
    page = (ROOT / "docs" / "manual" / "monitoring.md").read_text("utf-8")
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    names = [family.name for family in families if not family.name.endswith("_created")]
    ours = [name for name in names if name.startswith("metroledger_")]
    assert len(ours) > 10
    assert [name for name in ours if name not in page] == []
