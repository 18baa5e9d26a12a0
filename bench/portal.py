"""The consumption page under sixteen readers, with a year of history of a thousand homes.

The homes are settled, a year of R151 files is taken in and filed into pages, and the portal
is started as an operator starts it (`metroledger run --only portal`, by one process, then
by two).
Readers in a process of their own, each signed in as a home drawn at random for each page,
ask for the year of daily bars and for the month, as fast as they are answered; every page
must hold the sum that the simulator says. Then once more while files are taken in and filed
beside it. The rival is the plain way: the same days out of the log, folded by the domain.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring
from adapters.dso.enedis.series import index_wh
from adapters.dso.enedis.simulator import MOST_METERS, Night, sent
from adapters.http.pages.words import meter_number, with_unit
from application import viewing
from application.access import sessions
from bench import town
from bench.place import home, say
from bench.readers import Page, Round, Timed, read_round
from bench.table import Row, report
from domain.aggregates.consumption import consumption
from domain.values import civil_day, next_day
from metroledger.bootstrap import open_ledger, rest_garbage_collector
from metroledger.cli.files import ingest_file
from metroledger.settings import Settings
from projections.series import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event
    from uuid import UUID

    from adapters.dso.enedis.series import SimulatedMeter
    from metroledger.bootstrap import Installation

KEY: Final = FileKey(name="bench", algorithm=Algorithm.AES_256_CBC, secret=b"k" * 32)
READERS: Final = 16
WORKERS: Final = 2
"""As `metroledger run` starts by default."""

SAMPLE: Final = 5
"""Homes of which the rival shows a year."""

_DAY: Final = timedelta(days=1)
_DELIVERED_AFTER: Final = 2 * _DAY
_FILED_EVERY: Final = 8
"""Nights after which slips are looked through, as `metroledger upkeep` does in its rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """Homes with their history: the days from `first` to `last` are measured."""

    meters: Sequence[SimulatedMeter]
    accounts: Sequence[tuple[UUID, UUID]]
    first: date
    last: date

    def year(self) -> tuple[date, date]:
        """Return the days of the civil year that holds most of the history."""
        year = (self.first + (self.last - self.first) / 2).year
        return date(year, 1, 1), date(year, 12, 31)

    def sum_wh(self, meter: SimulatedMeter, first: date, last: date) -> int:
        """Return what the simulator says a meter counted over the measured ones of some days."""
        start, end = max(first, self.first), min(last, self.last)
        after, before = (index_wh(town.SEED, meter.number, day) for day in (next_day(end), start))
        return after - before


def main(homes_by_default: int = 1_000, days_by_default: int = 365) -> None:
    """Settle, take the year in, serve, read, and print the table."""
    asked = _arguments(homes_by_default, days_by_default)
    with home() as settings:
        with open_ledger(settings) as installation:
            homes = settle(installation, asked.homes, asked.days)
            rows = [take_year(installation, homes)]
            pages = pages_of(installation, homes)
            plain = _plain(installation, homes)
        with served(settings) as portal:
            rows += _read(portal, pages, asked.seconds)
        with served(settings, WORKERS) as portal:
            rows += _read(portal, pages, asked.seconds)
            rows += _read_beside(settings, homes, portal[0], pages, asked.seconds)
        rows += plain
    conditions = [
        f"{asked.homes:,} homes, {asked.days} days each, ten registers",
        f"portal: `metroledger run --only portal`, one process, then {WORKERS} at the same address",
        f"{READERS} readers in a process of their own, no pause between pages, on the same machine",
        f"load of the machine before: {os.getloadavg()[0]:.1f}",
    ]
    report(rows, conditions, asked.json)


def _arguments(homes: int, days: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    parser.add_argument("--homes", type=int, default=homes)
    parser.add_argument("--days", type=int, default=days)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each reading runs")
    return parser.parse_args()


# ── the history ──────────────────────────────────────────────────────────────────────────────────


def settle(installation: Installation, count: int, days: int) -> Homes:
    """Settle homes, of which a history ends on the last day that should be here."""
    say(f"settling {count:,} homes …")
    meters = town.meters(count)
    accounts = town.settle(installation, [meter.number for meter in meters])
    installation.shown.catch_up()
    last = civil_day(installation.clock()) - _DELIVERED_AFTER
    return Homes(meters=meters, accounts=accounts, first=last - (days - 1) * _DAY, last=last)


def take_year(installation: Installation, homes: Homes) -> Row:
    """Take every night's files in and file them; the night before too, to count from."""
    say("taking the history in …")
    directory = installation.settings.home / "incoming"
    directory.mkdir()
    begin = time.perf_counter()
    day, nights = homes.first - _DAY, 0
    while day <= homes.last:
        _take_night(installation, homes.meters, day, directory)
        nights += 1
        if nights % _FILED_EVERY == 0 or day == homes.last:
            _file(installation)
        day = next_day(day)
    seconds = time.perf_counter() - begin
    return Row(
        what="history generated, taken in and filed, by one process",
        value=nights * len(homes.meters) / seconds,
        unit="readings/s",
        note=f"{nights} nights in {seconds:.0f} s",
    )


def _take_night(
    installation: Installation, meters: Sequence[SimulatedMeter], day: date, directory: Path
) -> None:
    parts = -(-len(meters) // MOST_METERS)
    for part in range(parts):
        some = meters[part * MOST_METERS : (part + 1) * MOST_METERS]
        night = Night(
            seed=town.SEED, day=day, meters=some, part=part + 1, parts=parts, powers=False
        )
        name, content = sent(night, KEY)
        path = directory / name
        path.write_bytes(content)
        ingest_file(installation.services, Keyring(keys=(KEY,)), path)
        path.unlink()


def _file(installation: Installation) -> None:
    installation.shown.catch_up()
    while installation.shown.compact():
        pass


# ── the pages ────────────────────────────────────────────────────────────────────────────────────


def pages_of(installation: Installation, homes: Homes) -> dict[str, list[Page]]:
    """Return each home's two pages, each home signed in."""
    first, last = homes.year()
    start = homes.last.replace(day=1)
    found: dict[str, list[Page]] = {"year": [], "month": []}
    for meter, (account, consent) in zip(homes.meters, homes.accounts, strict=True):
        cookie = sessions.begin(installation.services, installation.access, account=account)
        of_year, of_month = (
            with_unit(homes.sum_wh(meter, *days)) for days in ((first, last), (start, homes.last))
        )
        address = f"/consommation/{consent}?par=jour&periode="
        found["year"].append(Page(address=f"{address}{first.year}", cookie=cookie, holds=of_year))
        found["month"].append(
            Page(address=f"{address}{start:%Y-%m}", cookie=cookie, holds=of_month)
        )
    return found


@contextlib.contextmanager
def served(settings: Settings, workers: int = 1) -> Iterator[tuple[int, list[int]]]:
    """Serve the portal as an operator does; yields its port and its processes."""
    port, operations = _free_ports()
    environment = os.environ | {
        "METROLEDGER_HOME": str(settings.home),
        "METROLEDGER_WEB": f"127.0.0.1:{port}",
        "METROLEDGER_OPERATIONS": f"127.0.0.1:{operations}",
        "METROLEDGER_WORKERS": f"{workers}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "metroledger", "run", "--only", "portal"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        ready = 0
        while ready < workers:
            line = process.stdout.readline()
            assert line, "the portal did not start"
            ready += line.startswith(b"serve: ")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        yield port, [int(one) for one in children.read_text("ascii").split()]
    finally:
        process.terminate()
        process.wait()


def _free_ports() -> tuple[int, int]:
    """Return a port, and the first of some that follow each other, that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            first = 0
            for number in range(1 + WORKERS):
                other = stack.enter_context(socket.socket())
                other.bind(("127.0.0.1", first and first + number))
                first = first or int(other.getsockname()[1])
            return port, first


def _read(
    portal: tuple[int, Sequence[int]], pages: dict[str, list[Page]], seconds: float
) -> Iterator[Row]:
    port, processes = portal
    by = f"by {len(processes)} worker{'s' if len(processes) > 1 else ''}"
    for what, some in pages.items():
        say(f"reading the {what}, answered {by} …")
        round_of(Round(port=port, pages=some, readers=READERS, seconds=1.0))
        before = sum(map(_cpu_s, processes))
        timed = round_of(Round(port=port, pages=some, readers=READERS, seconds=seconds, seed=1))
        cpu_ms = 1e3 * (sum(map(_cpu_s, processes)) - before) / len(timed.milliseconds)
        yield from _rows(f"the {what} {by}", timed, f"{cpu_ms:.2f} ms of CPU in the portal")


def _read_beside(
    settings: Settings,
    homes: Homes,
    port: int,
    pages: dict[str, list[Page]],
    seconds: float,
) -> Iterator[Row]:
    """Read the year while nights before it are taken in and filed without a pause."""
    say("reading the year while files are taken in …")
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    taken = context.Value("i", 0)
    taker = context.Process(target=_deliver, args=(settings, homes, ready, done, taken))
    taker.start()
    assert ready.wait(120), "nothing was taken in"
    before, begun = taken.value, time.perf_counter()
    numbers = [meter_number(meter.number) for meter in homes.meters]  # sums may grow meanwhile
    some = [replace(page, holds=one) for page, one in zip(pages["year"], numbers, strict=True)]
    try:
        timed = round_of(Round(port=port, pages=some, readers=READERS, seconds=seconds, seed=2))
        rate = (taken.value - before) / (time.perf_counter() - begun)
    finally:
        done.set()
        taker.join()
    assert taker.exitcode == 0
    yield from _rows("the year beside a delivery", timed, f"{rate:,.0f} readings/s taken in")


def _deliver(
    settings: Settings, homes: Homes, ready: Event, done: Event, taken: Synchronized[int]
) -> None:
    """Take in nights before the history, back in time, until told to end."""
    directory = settings.home / "incoming"
    day = homes.first - 2 * _DAY
    with open_ledger(settings) as installation:
        rest_garbage_collector()
        while not done.is_set():
            _take_night(installation, homes.meters, day, directory)
            _file(installation)
            taken.value += len(homes.meters)
            ready.set()
            day -= _DAY


def round_of(asked: Round) -> Timed:
    """Read for a round in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(read_round, asked).result()


def _rows(what: str, timed: Timed, note: str) -> Iterator[Row]:
    yield Row(
        what=f"{what}, p99 of {READERS} readers",
        value=timed.quantile(0.99),
        unit="ms",
        note=f"p50 {timed.middle:.1f}, at most {timed.quantile(1):.1f}; {timed.size >> 10} KiB",
        aim="50",
    )
    yield Row(what=what, value=timed.rate, unit="pages/s", note=note)


def _cpu_s(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── the rival ────────────────────────────────────────────────────────────────────────────────────


def _plain(installation: Installation, homes: Homes) -> list[Row]:
    """Time the year's days of some homes: out of pages, and out of the log."""
    first, last = homes.year()[0], homes.last
    ours, theirs = [], []
    for account, consent in homes.accounts[:: max(len(homes.accounts) // SAMPLE, 1)]:
        begin = time.perf_counter()
        access = viewing.authorise(installation.services, account, consent)
        days = viewing.consumption(installation.services, access, first, last)
        between = time.perf_counter()
        series = show(installation.ledger.folder, installation.keyhole, consent).series
        assert consumption(series, first, last) == days
        theirs.append(1e3 * (time.perf_counter() - between))
        ours.append(1e3 * (between - begin))
    mine, plain = statistics.median(ours), statistics.median(theirs)
    return [
        Row(what="a year's days, authorised, out of the pages", value=mine, unit="ms"),
        Row(
            what="the same out of the log, folded by the domain",
            value=plain,
            unit="ms",
            note=f"ours: {plain / mine:.0f} times as fast",
        ),
    ]


if __name__ == "__main__":
    main()
