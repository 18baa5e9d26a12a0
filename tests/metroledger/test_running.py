"""How the parts run: what upkeep does once a day, and the portal's processes at one socket."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.http.serving import listen
from application.arrivals import KEPT, Arrival
from application.services import new_id
from bench.watching import get
from domain.errors import Corrupt
from metroledger.bootstrap import create_ledger, now
from metroledger.cli import run_command
from metroledger.cli.running import INCOMPLETE_S, portals
from metroledger.settings import OPERATIONS, THEME, WEB
from tests.application.conftest import empty, site
from tests.application.world import ORIGIN, ROOT
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def test_upkeep_rests_and_ends_when_told_to_though_something_is_broken(
    empty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_ledger(empty.settings, ORIGIN)
    rounds: list[float] = []

    def broken(*_: object) -> None:
        rounds.append(time.monotonic())
        raise Corrupt

    monkeypatch.setattr("metroledger.cli.running.look_after", broken)
    told = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    told.start()
    assert run_command(["upkeep"], empty.told) == 0
    told.join()
    assert len(rounds) == 1
    assert time.monotonic() - rounds[0] < INCOMPLETE_S


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
    with running(empty) as (process, web):
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        assert [line.partition(":")[0] for line in said[2:]] == ["serve", "serve"]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for child in children.read_text("ascii").split():
            os.kill(int(child), signal.SIGKILL)
        assert get(web, "/")[0] == 200
        assert "ended with -9" in process.stdout.readline()


@contextlib.contextmanager
def running(
    place: Place, more: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A `run` of the portal alone, and the port it answers at."""
    web, operations = free_ports(1), free_ports(3)
    there = {WEB: f"127.0.0.1:{web}", OPERATIONS: f"127.0.0.1:{operations}"}
    with subprocess.Popen(
        [sys.executable, "-m", "metroledger", "run", "--only", "portal"],
        env=place.environment | there | (more or {}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, web
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()


def test_while_the_portal_dies_again_and_again_whoever_asks_is_turned_away(empty: Place) -> None:
    create_ledger(empty.settings, ORIGIN)
    with running(empty, {THEME: "no-such-theme.css"}) as (process, web):
        assert process.stdout is not None
        for line in process.stdout:
            if "again in 2.0 s" in line:
                break
        status, text = get(web, "/")
        assert (status, text[:21]) == (503, "Le portail redémarre.")


def test_the_parts_of_a_run_that_was_killed_end_with_it(empty: Place) -> None:
    create_ledger(empty.settings, ORIGIN)
    with running(empty) as (process, web):
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        assert [line.partition(":")[0] for line in said[2:]] == ["serve", "serve"]
        process.kill()
        process.stdout.read()  # to its end: no part has it open any more
        listen(("127.0.0.1", web)).close()


def test_who_finds_the_address_taken_is_told_which_settings_name_it(empty: Place) -> None:
    create_ledger(empty.settings, ORIGIN)
    with listen(("127.0.0.1", 0)) as ours:
        web = {WEB: f"127.0.0.1:{ours.getsockname()[1]}"}
        said = replace(empty, also=web).run("run", "--only", "portal")
    assert (said.code, WEB in said.err) == (2, True)
    assert "address already in use" in said.err
