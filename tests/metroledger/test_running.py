"""How the parts run: what upkeep does once a day, and the portal's processes at one socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.http.serving import listen
from application.arrivals import KEPT, Arrival
from application.services import new_id
from bench.watching import get
from metroledger.bootstrap import create_ledger, now
from metroledger.cli.running import portals
from metroledger.settings import OPERATIONS, WEB
from tests.application.conftest import empty, site
from tests.application.world import ORIGIN, ROOT
from tests.scenarios.watching import free_ports

if TYPE_CHECKING:
    from datetime import datetime

    from tests.application.world import Place

__all__ = ["empty", "site"]  # fixtures, taken from where they are made
DAY = timedelta(days=1)


def _came(at: datetime) -> Arrival:
    return Arrival(
        id=new_id(), operator="enedis", slot=None, delivery=new_id(), size_bytes=1, at=at
    )


def test_once_a_day_it_is_forgotten_what_became_of_files_of_long_ago(empty: Place) -> None:
    create_ledger(empty.settings, ORIGIN, clock=lambda: now() - 2 * DAY)
    old, kept = _came(now() - KEPT - DAY), _came(now() - KEPT + DAY)
    with empty.open() as installation:
        for one in (old, kept):
            installation.arrivals.note(one)
    for said in (empty.run("upkeep", "--once"), empty.run("upkeep", "--once")):
        assert (said.code, said.err) == (0, "")
    with empty.open() as installation:
        assert list(installation.arrivals.since(now() - 2 * KEPT)) == [kept]
        again = _came(old.at)
        installation.arrivals.note(again)
    assert empty.run("upkeep", "--once").code == 0
    with empty.open() as installation:
        assert again in installation.arrivals.since(now() - 2 * KEPT), "not twice a day"


def test_the_portal_is_several_processes_at_one_socket_each_with_a_port_of_its_own(
    empty: Place,
) -> None:
    with listen(("127.0.0.1", 0)) as listening:
        first, second = portals(2, listening)
    assert (first.name, second.name) == ("portal", "portal 2")
    assert first.arguments[:3] == ("serve", "--worker", "1")
    assert second.arguments[:3] == ("serve", "--worker", "2")
    assert first.arguments[3:] == second.arguments[3:]
    assert first.shared == second.shared
    answers = {empty.settings.operations_of_portal(worker) for worker in (1, 2)}
    assert len(answers | {empty.settings.operations}) == 3


def test_who_asks_while_every_process_starts_again_is_answered_all_the_same(
    empty: Place,
) -> None:
    create_ledger(empty.settings, ORIGIN)
    web, operations = free_ports(1), free_ports(3)
    there = {WEB: f"127.0.0.1:{web}", OPERATIONS: f"127.0.0.1:{operations}"}
    with subprocess.Popen(
        [sys.executable, "-m", "metroledger", "run", "--only", "portal"],
        env=empty.environment | there,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline() for _ in range(4)]
            assert [line.partition(":")[0] for line in said[2:]] == ["serve", "serve"]
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            for child in children.read_text("ascii").split():
                os.kill(int(child), signal.SIGKILL)
            assert get(web, "/")[0] == 200
            assert "ended with -9" in process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
