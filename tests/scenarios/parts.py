"""Run a ledger's parts as processes, kill any of them at any moment, and see what is left."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metroledger.settings import OPERATIONS, QUIET_SECONDS, WEB
from tests.application.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.application.world import Place

PARTS = ("collect", "upkeep", "serve")


@dataclass(slots=True)
class Parts:
    """The processes of a ledger at work; each may be killed, and is then started again."""

    place: Place
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, part: str) -> None:
        free = "127.0.0.1:0"
        self.running[part] = subprocess.Popen(
            [sys.executable, "-m", "metroledger", part],
            env={**self.place.environment, QUIET_SECONDS: "1", WEB: free, OPERATIONS: free},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self, part: str) -> bool:
        """Kill a part; say whether it was alive."""
        process = self.running[part]
        alive = process.poll() is None
        process.kill()
        process.wait()
        return alive

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def deliver_with_kills(place: Place, files: Sequence[Path], chance: Random, kills: int) -> int:
    """Deliver files while any part is killed -9 and started again; return how many kills hit."""
    incoming = place.settings.dropbox.place / "incoming" / "enedis"
    incoming.mkdir(parents=True)
    parts, hit = Parts(place), 0
    try:
        for part in PARTS:
            parts.start(part)
        for number in range(kills):
            begin, end = (len(files) * n // kills for n in (number, number + 1))
            for path in files[begin:end]:
                shutil.copy(path, incoming)
            victim = chance.choice(PARTS)
            wait_s = chance.uniform(0.2, 3.0)
            with_time_left = parts.running[victim]
            try:
                with_time_left.wait(wait_s)
            except subprocess.TimeoutExpired:
                hit += parts.kill(victim)
            parts.start(victim)
    finally:
        parts.end()
    for command in (("collect", "--once"), ("upkeep", "--once")):
        done = subprocess.run(
            [sys.executable, "-m", "metroledger", *command],
            env={**place.environment, QUIET_SECONDS: "1"},
            cwd=ROOT,
            capture_output=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert not any(incoming.iterdir())
    return hit
