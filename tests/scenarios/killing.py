"""Kill the ingesting process again and again, and ask the ledger what became of the readings."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import psycopg

from adapters.dso.enedis.series import town
from domain.aggregates.consumption import consumption
from metroledger.bootstrap import database_directory
from proofs.check import check_tiles
from replay.rebuild import rebuild
from tests.application.world import (
    ORIGIN,
    SEED,
    Place,
    closed,
    found,
    readings_held,
    series_of,
    settle_all,
    working_directory,
    write_nights,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from random import Random

    from domain.aggregates.consumption import DayConsumption
    from metroledger.bootstrap import Installation
    from metroledger.kept import Topic
    from tests.application.world import Household, Site

FIRST = date(2024, 3, 1)


@dataclass(slots=True)
class Town:
    """A ledger with consents and no reading, as many twins of it as asked for, and files."""

    site: Site | None
    place: Place
    households: Sequence[Household]
    files: Sequence[Path]
    twins: list[Place] = field(default_factory=list)

    def twin(self) -> Place:
        """Copy the ledger: same consents, same keys, no reading yet."""
        if self.site is None:
            raise TypeError(self.place)
        self.twins.append(copy := self.site.copy(self.place))
        return copy

    @property
    def days(self) -> tuple[date, date]:
        return FIRST + timedelta(days=1), FIRST + timedelta(days=len(self.files) - 1)


@contextlib.contextmanager
def build_town(site: Site, place: Place, *, meters: int, files: int) -> Iterator[Town]:
    """Settle `meters` households in `place`, and write `files` nights of all of them."""
    homes = town(SEED, meters)
    with place.open() as installation:
        households = settle_all(installation, homes)
    days = [FIRST + timedelta(days=n) for n in range(files)]
    built = Town(site, place, households, write_nights(site.root / "nights", homes, days))
    try:
        yield built
    finally:
        for twin in built.twins:
            site.drop(twin)


@contextlib.contextmanager
def in_a_home_of_its_own(*, meters: int, files: int, topic: Topic | None = None) -> Iterator[Town]:
    """Build a town whose database is embedded in its home; its log too, or in a topic."""
    with working_directory() as root:
        place = Place(root / "home", None, topic)
        found(place)
        homes = town(SEED, meters)
        with place.open() as installation:
            households = settle_all(installation, homes)
        days = [FIRST + timedelta(days=n) for n in range(files)]
        yield Town(None, place, households, write_nights(root / "nights", homes, days))


@dataclass(slots=True)
class Kills:
    """How many kills, and how many of them while a batch of new files was half taken in."""

    killed: int = 0
    midway: int = 0
    finished: int = 0


def kill_at_random(place: Place, files: Sequence[Path], chance: Random, kills: int) -> Kills:
    """Kill an ingestion `kills` times, then let it end; the files come in batches.

    Every second kill comes at a moment of the process's whole life, the others while it takes
    files in: after it has said that it took the first one. New files are named first.
    """
    done, lifetime, batch = Kills(), 1.5, max(3, len(files) // kills)
    known = 0
    while done.killed < kills:
        known = min(len(files), known + batch) if known < len(files) else batch
        named = [*files[known - batch : known], *files[: known - batch]][:12]
        before, began = _commits(place), time.monotonic()
        waits = done.killed % 2 == 1
        if _killed(place, named, waits=waits, after_s=chance.uniform(0, lifetime)):
            done.killed += 1
            done.midway += 0 < _commits(place) - before < batch
        else:
            done.finished += 1
            lifetime = time.monotonic() - began
    said = place.run("ingest", *files)
    assert (said.code, said.err) == (0, "")
    return done


def _killed(place: Place, files: Sequence[Path], *, waits: bool, after_s: float) -> bool:
    with place.start("ingest", *files) as process:
        if waits and process.stdout is not None:
            process.stdout.readline()
            after_s /= 20
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        _, err = process.communicate()
    if process.returncode == -signal.SIGKILL:
        return True
    assert (process.returncode, err) == (0, "")
    return False


def kill_servers(place: Place, files: Sequence[Path], chance: Random, kills: int) -> Kills:
    """Kill the embedded server under an ingestion `kills` times, then let it end.

    The process notices, and says that nothing is lost and what to do; the next one brings the
    server up again. Several processes of the server die with the first, as after a power cut.
    """
    done, batch, known = Kills(), max(2, len(files) // kills), 0
    while done.killed < kills:
        known = min(len(files), known + batch) if known < len(files) else batch
        with place.start("ingest", *files[known - batch : known]) as process:
            if process.stdout is not None:
                process.stdout.readline()  # one file is in: the server is up
            time.sleep(chance.uniform(0, 0.03))
            done.killed += kill_server(place)
            out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            done.finished += 1
        else:
            assert (process.returncode, "Traceback" in err) == (2, False), (out, err)
            assert "nothing is lost" in err
            done.midway += 1
    said = place.run("ingest", *files)
    assert (said.code, said.err) == (0, "")
    return done


def kill_server(place: Place) -> bool:
    """Kill -9 the first process of a place's embedded server; say whether there was one."""
    data = database_directory(place.settings) / "data"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        number = (data / "postmaster.pid").read_text("ascii").split(maxsplit=1)[0]
        os.kill(int(number), signal.SIGKILL)
        return True
    return False


def _commits(place: Place) -> int:
    with psycopg.connect(place.database or "") as connection:
        row = connection.execute("select count(*) from commits").fetchone()
    return int(row[0]) if row else 0


def check_like_one_go(killed: Installation, whole: Installation, town_: Town) -> None:
    """Compare an interrupted ledger with one that was built in one go.

    Both began as copies of one ledger, so consents are the same; event ids are random, so leaves
    and roots cannot be. What is compared is what the log says, read again from its beginning:
    which reading was accepted under which consent, and how often; the days; and, of each tree by
    itself, that the log leads to it again and that the published files are whole.
    """
    held = readings_held(killed)
    assert held == readings_held(whole), "0 lost"
    assert set(held.values()) == {1}, "0 doubled"
    assert len(held) == len(town_.files) * len(town_.households)
    for household in town_.households[:20]:
        assert days_of(killed, household, town_) == days_of(whole, household, town_)
    sizes = [one.store.cursor().size for one in (killed, whole)]
    assert sizes[0] == sizes[1], "as many leaves"
    check_sound(killed)


def check_whole(installation: Installation, town_: Town) -> None:
    """Every reading of every file is there, once, and the ledger is sound."""
    held = readings_held(installation)
    assert set(held.values()) == {1}, "0 doubled"
    assert len(held) == len(town_.files) * len(town_.households), "0 lost"
    check_sound(installation)


def check_sound(installation: Installation) -> None:
    """The log leads to the tree again, all checkpoints are of one history, the audit is whole."""
    assert rebuild(installation.log, installation.store, ORIGIN).same
    settings = installation.settings
    checked = check_tiles(settings.tiles, [installation.verifier], journal=settings.checkpoints)
    assert checked.signed.checkpoint.root == installation.store.cursor().frontier.root()
    report = closed(installation)
    assert (report.findings, report.covered) == ([], report.readings)


def days_of(
    installation: Installation, household: Household, town_: Town
) -> tuple[DayConsumption, ...]:
    return consumption(series_of(installation, household.consents[0]), *town_.days)
