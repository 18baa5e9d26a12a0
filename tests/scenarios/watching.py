"""The processes of a ledger at work, as `metroledger run` starts them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bench.watching import get
from metroledger.settings import OPERATIONS, QUIET_SECONDS, WEB
from tests.application.world import ROOT
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.application.world import Place

PARTS: Final = ("collect", "operations", "portal", "upkeep")
STARTED_WITHIN_S: Final = 150.0


@contextlib.contextmanager
def running(place: Place, log: Path) -> Iterator[tuple[int, int]]:
    """Run the parts of a ledger that open anything of a person, as an operator does.

    Yields the port of the portal and the first of those that tell of health and figures.
    """
    web, operations = free_ports(1), free_ports(3)
    there = {
        WEB: f"127.0.0.1:{web}",
        OPERATIONS: f"127.0.0.1:{operations}",
        QUIET_SECONDS: "1",
    }
    place = replace(place, also={**place.also, **there})
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "metroledger", "run", "--only", *PARTS],
            env=place.environment,
            cwd=ROOT,
            stdout=written,
            stderr=written,
        )
        try:
            for port in (operations, operations + 1, operations + 2, web):
                _await(port, log)
            yield web, operations
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while True:
        try:
            get(port, "/")
        except OSError:
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
        else:
            return


def metrics(ports: Sequence[int]) -> list[str]:
    """Return what each of some processes says of itself in figures."""
    return [get(port, "/metrics")[1] for port in ports]
