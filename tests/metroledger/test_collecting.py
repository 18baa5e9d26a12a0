"""`collect`, `files` and `parked` as an administrator types them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, sent
from metroledger.cli import run_command
from metroledger.settings import KEPT_DAYS, QUIET_SECONDS
from tests.application.conftest import founded, place, site
from tests.application.world import SEED, Place

__all__ = ["founded", "place", "site"]


@pytest.fixture
def environment(place: Place) -> dict[str, str]:
    named = {key: value for key, value in place.environment.items() if key.startswith("METRO")}
    return {**named, QUIET_SECONDS: "1"}


def test_what_comes_is_told_kept_and_can_be_read_again(
    environment: dict[str, str], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    incoming = place.home / "dropbox" / "incoming" / "enedis"
    incoming.mkdir(parents=True)
    name, content = sent(Night(seed=SEED, day=date(2026, 3, 1), meters=town(SEED, 2)))
    (incoming / name).write_bytes(content)
    (incoming / "broken.zip").write_bytes(b"no file of anybody")
    assert run_command(["collect", "--once", "--watch"], environment) == 0
    taken, parked = sorted(capsys.readouterr().out.splitlines(), key=lambda line: "foreign" in line)
    assert "taken in" in taken
    assert "foreign name" in parked

    assert run_command(["files", "--json"], environment) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["state"] for line in lines) == ["parked", "taken_in"]
    assert run_command(["files"], environment) == 0
    assert "1 parked (foreign name)" in capsys.readouterr().out

    (delivery,) = (line["delivery"] for line in lines if line["state"] == "parked")
    output = place.home / "looked-at"
    assert run_command(["parked", "show", delivery, "--output", str(output)], environment) == 0
    assert output.read_bytes() == b"no file of anybody"


def test_what_nobody_will_touch_is_an_alarm(
    environment: dict[str, str], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    incoming = place.home / "dropbox" / "incoming"
    (incoming / "enedis" / "directory").mkdir(parents=True)
    (incoming / "nobody").mkdir()
    (incoming / "nobody" / "a.zip").write_bytes(b"for whom?")
    assert run_command(["files"], environment) == 1
    told = capsys.readouterr().out
    assert "ALARM enedis: lies in incoming" in told
    assert "ALARM nobody: lies in incoming" in told


def test_a_setting_that_is_no_number_is_refused_by_name(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["files"], {**environment, KEPT_DAYS: "0"}) == 1
    assert KEPT_DAYS in capsys.readouterr().err
