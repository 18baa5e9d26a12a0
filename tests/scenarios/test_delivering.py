"""From a push to a reading: connections are cut, processes killed, and nothing lost or doubled."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.adapters.dso.enedis.test_archive import HOSTILE as ARCHIVES
from tests.adapters.dso.enedis.test_r151 import HOSTILE as DOCUMENTS
from tests.scenarios.delivering import collect, collect_with_kills, push_with_cuts
from tests.scenarios.killing import build_town, check_whole

if TYPE_CHECKING:
    from tests.application.world import Place, Site


@pytest.mark.chaos
def test_ten_cut_connections_lose_double_and_halve_nothing(site: Site, place: Place) -> None:
    with build_town(site, place, meters=30, files=6) as town:
        cuts = push_with_cuts(town.place, town.files, Random(10), cuts=10)
        assert cuts.cut == 10
        with collect(town.place) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert [line.count("taken in") for line in out.splitlines()] == [2] * len(town.files)
        with town.place.open() as ledger:
            check_whole(ledger, town)


@pytest.mark.chaos
def test_three_kills_of_the_collecting_process_lose_and_double_nothing(
    site: Site, place: Place
) -> None:
    with build_town(site, place, meters=30, files=9) as town:
        done = collect_with_kills(town.place, town.files, Random(3), kills=3)
        assert done.killed >= 1
        with town.place.open() as ledger:
            check_whole(ledger, town)


def test_hostile_files_are_parked_within_64_mb_and_the_honest_one_beside_is_taken_in(
    site: Site, place: Place
) -> None:
    """Those of the codec's own tests: 15 archives and 20 documents at least, all in one go."""
    incoming = place.settings.dropbox.place / "incoming" / "enedis"
    incoming.mkdir(parents=True)
    with build_town(site, place, meters=3, files=2) as town:
        shutil.copy(town.files[0], incoming)
        before, _ = _collected(place)
        shutil.copy(town.files[1], incoming)
        hostile = [make() for make, _ in (*ARCHIVES.values(), *DOCUMENTS.values())]
        assert (len(ARCHIVES) >= 15, len(DOCUMENTS) >= 20) == (True, True)
        for number, content in enumerate(hostile, start=1):
            name = f"ERDF_R151_17X_GRD_1_{number:05}_Q_00001_00001_20260609030700.zip"
            (incoming / name).write_bytes(content)
        after, lines = _collected(place)
        assert after - before < 64_000_000
        parked = [line for line in lines if "parked" in line]
        assert len(parked) == len({*hostile})
        assert not any(incoming.iterdir())
        with place.open() as ledger:
            check_whole(ledger, town)


def _collected(place: Place) -> tuple[int, list[str]]:
    """Collect in a process of its own; return the most memory it had, in bytes, and its lines.

    Its own word in /proc, read until it ends: what the system adds up for a child begins with
    what this process had when it forked.
    """
    peak, out = 0, ""
    with collect(place) as process:
        while process.poll() is None:
            with contextlib.suppress(OSError):
                said = Path(f"/proc/{process.pid}/status").read_text("ascii")
                peak = max([peak, *map(int, re.findall(r"VmHWM:\s+(\d+) kB", said))])
            time.sleep(0.005)
        out = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0
    return peak * 1_024, out.splitlines()
