"""The command `metroledger doctor`, as an administrator gives it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.errors import Refused
from metroledger.bootstrap import now
from metroledger.cli.doctor import CODES
from metroledger.examination import examine_installation
from metroledger.settings import read_settings
from tests.application.conftest import founded, place, site
from tests.application.world import ROOT, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.application.world import Place

__all__ = ["founded", "place", "site"]

NAME, EMAIL, NUMBER = "Hildegarde ZWEIBRÜCKEN", "hildegarde@example.org", "30001112223334"


def checks(place: Place) -> dict[str, dict[str, str]]:
    said = place.run("doctor", "--json")
    assert not said.err
    return {row["check"]: row for row in map(json.loads, said.out.splitlines())}


def test_a_new_ledger_has_nothing_broken(place: Place) -> None:
    said = place.run("doctor")
    assert said.code == 1, said.out
    assert "BROKEN" not in said.out
    assert "to look at" in said.out


def test_what_is_broken_is_told_with_what_to_do_and_the_rest_is_still_looked_at(
    place: Place,
) -> None:
    place.settings.signing_key.chmod(0o644)
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("drop trigger append_only on leaves")
    found = checks(place)
    assert [name for name, row in found.items() if row["state"] == "broken"] == [
        "secrets",
        "append-only",
    ]
    assert found["secrets"]["do"].startswith("chmod 600")
    assert place.run("doctor").code == 2


def test_without_its_keyring_a_store_is_broken_and_the_log_is_still_looked_at(
    place: Place,
) -> None:
    shutil.move(place.settings.keyring, place.home / "elsewhere")
    found = checks(place)
    assert found["key-store"]["state"] == "broken"
    assert found["epoch"]["state"] == "broken"
    assert found["log"]["state"] == "ok"
    assert "shown" not in found


def test_without_a_database_the_files_are_still_looked_at(place: Place, tmp_path: Path) -> None:
    nowhere = f"host={tmp_path} connect_timeout=1"
    environment = {"METROLEDGER_HOME": str(place.home), "METROLEDGER_DATABASE_URL": nowhere}
    findings = list(examine_installation(read_settings(environment), now))
    assert findings[-1].check == "database"
    assert findings[-1].state == "broken"
    assert findings[0].check == "secrets"
    assert all(nowhere not in finding.says + finding.do for finding in findings)


def test_without_a_ledger_there_is_nothing_to_examine(tmp_path: Path) -> None:
    settings = read_settings({"METROLEDGER_HOME": str(tmp_path)})
    with pytest.raises(Refused, match="metroledger init"):
        next(examine_installation(settings, now))


def test_nothing_of_a_person_is_shown(place: Place) -> None:
    with place.open() as installation:
        settle(installation, NUMBER, name=NAME, email=EMAIL)
    told = place.run("doctor").out + place.run("doctor", "--json").out
    assert not [value for value in (NAME, EMAIL, NUMBER, "BOUVIER") if value in told]


def test_what_it_looks_at_stays_as_it_is(place: Place) -> None:
    with place.open() as installation:
        before = installation.log.end(), installation.keys.epoch()
        published = installation.publisher.published()
    place.run("doctor")
    with place.open() as installation:
        assert (installation.log.end(), installation.keys.epoch()) == before
        assert installation.publisher.published() == published


def test_every_check_is_explained_in_the_manual(place: Place) -> None:
    page = (ROOT / "docs" / "manual" / "doctor.md").read_text("utf-8")
    assert [name for name in checks(place) if f"| `{name}` |" not in page] == []


def test_every_state_has_its_own_exit_code() -> None:
    assert sorted(CODES.values()) == [0, 1, 2]
