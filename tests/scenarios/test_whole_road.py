"""The whole road as processes: the operator's nights, the server, the collector, the readings."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import asyncssh

from adapters.dso.enedis.series import town
from metroledger.settings import QUIET_SECONDS, SFTP
from tests.application.world import ROOT, Place, readings_held, settle_all

if TYPE_CHECKING:
    from pathlib import Path

METERS = 6
FIRST = date(2026, 6, 6)


def test_simulated_nights_over_the_change_of_encryption_become_readings_once(
    place: Place, tmp_path: Path
) -> None:
    with place.open() as ledger:
        settle_all(ledger, town(1, METERS))
    keys = tmp_path / "keys.json"
    assert place.run("simulate", "enedis-keys", keys, "--seed", 1).code == 0
    assert place.run("operator", "keys", keys).code == 0
    box = place.settings.dropbox
    box.accounts.mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "enedis")
    key.write_public_key(box.accounts / "enedis.pub")

    with _start(place, "dropbox") as server:
        listening = json.loads(server.stderr.readline() if server.stderr else "")
        address = f"sftp://enedis@127.0.0.1:{listening['port']}/"
        pushed = place.run(
            *("simulate", "enedis", "--to", address, "--key", tmp_path / "enedis"),
            *("--host-key", box.host_key.with_suffix(".pub"), "--first-day", FIRST),
            *("--days", 6, "--meters", METERS, "--points-a-file", 3),
        )
        assert pushed.code == 0, pushed.err
        server.terminate()
        _, log = server.communicate(timeout=30)
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events.count("sftp-file-arrived") >= 12

    with _start(place, "collect", "--once", "--watch") as collector:
        out, err = collector.communicate(timeout=60)
    assert (collector.returncode, err) == (0, "")
    assert "parked" not in out
    with place.open() as ledger:
        held = readings_held(ledger)
    assert set(held.values()) == {1}
    assert len(held) >= METERS * 3


def _start(place: Place, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "metroledger", *arguments],
        env={**place.environment, QUIET_SECONDS: "1", SFTP: "127.0.0.1:0"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
