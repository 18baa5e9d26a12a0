"""A ledger at work: its portal and upkeep as processes, residents who write, a check at the end."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from tests.chaos.history import check, held_by
from tests.chaos.residents import PATIENCE_S, Residents, settle_residents
from tests.ports import free_ports
from tests.scenarios.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.application.world import Place

PEOPLE: Final = 6
"""More than the portal has threads, so that some wait for others."""


@dataclass(slots=True)
class AtWork:
    """The processes and the residents; `found` is what the check at the end said."""

    parts: Parts
    residents: Residents
    found: str = ""
    silences_s: list[float] = field(default_factory=list)

    def wait(self) -> None:
        """Wait until a write is in the log; no part may have ended by itself meanwhile."""
        self.residents.back(self.parts.all_live)

    def note_silence(self, since: float) -> None:
        """Wait until writes are back; note how long at most there were none since then."""
        self.wait()
        self.silences_s.append(self.residents.longest_silence(since))

    @property
    def back(self) -> str:
        """How long writes were away: the median, and the 99th of a hundred times."""
        away = sorted(self.silences_s)
        return f"writes back after {away[len(away) // 2]:.1f} s, p99 {self.worst_s:.1f} s"

    @property
    def worst_s(self) -> float:
        """The 99th of a hundred times that writes were away, in seconds."""
        return sorted(self.silences_s)[int(len(self.silences_s) * 0.99)]


@contextlib.contextmanager
def at_work(
    place: Place, *, host: str = "127.0.0.1", inside: Sequence[str] = ()
) -> Iterator[AtWork]:
    """Let residents write until the block ends, then compare what they were told with the log."""
    with place.open() as ledger:
        people, before = settle_residents(ledger, PEOPLE), held_by(ledger)
    web = f"{host}:{free_ports()}"
    log = place.home.with_suffix(".log")
    parts = Parts(place, web=web, parts=("serve", "upkeep"), inside=inside, log=log)
    residents = Residents(f"http://{web}", people)
    working = AtWork(parts, residents)
    try:
        parts.see_to()
        _wait_for(residents.url)
        with residents:
            working.wait()
            yield working
            working.wait()
    except AssertionError as error:
        error.add_note(_faults(log))
        raise
    finally:
        parts.end()
    parts.do("upkeep", "--once")
    with place.open() as ledger:
        working.found = check(ledger, residents, before)


def _wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{url}/")
            return
        time.sleep(0.05)
    message = "the portal did not come up"
    raise AssertionError(message)


def _faults(log: Path) -> str:
    """Return the last that the processes said, but of single requests."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return "\n".join([line for line in lines if '"event":"request-failed"' not in line][-40:])
