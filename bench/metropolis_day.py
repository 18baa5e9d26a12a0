"""A metropolis's day: from encrypted files in the drop box to days on the page.

Files of 3,000 meters with ten time classes each, encrypted as Enedis does since June 2026:
read, decrypted, unzipped, validated to their end, each reading checked against its consent,
sealed, appended and fsynced, folded, indexed, under a signed checkpoint, and copied to
where the page reads it. Two processes take files in, a third shows them, as `metroledger
run` does. The rivals save the same values with eventsourcing on the same server: one
aggregate a meter, loaded, appended to and saved, one at a time and a hundred to a save.

`--log kafka` takes the same days in on a PostgreSQL log and on a Kafka's instead, in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import multiprocessing
import resource
import statistics
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring
from adapters.dso.enedis.series import index_wh
from adapters.dso.enedis.simulator import MOST_METERS, Night, sent
from adapters.postgres.embedded import EmbeddedPostgres
from application.deliveries import Result
from bench import town
from bench.place import home, say
from bench.rival import bulk_insert, load_append_save
from bench.stages import stages
from bench.table import Row, report
from domain.values import next_day
from metroledger.bootstrap import open_ledger, rest_garbage_collector
from metroledger.cli.files import ingest_file
from metroledger.kept import KAFKA, POSTGRES
from metroledger.settings import Settings
from projections.consumption import daily
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier, Event
    from uuid import UUID

    from adapters.dso.enedis.series import SimulatedMeter
    from metroledger.bootstrap import Installation

FIRST: Final = date(2026, 11, 20)
KEY: Final = FileKey(name="bench", algorithm=Algorithm.AES_256_CBC, secret=b"k" * 32)
TURNS: Final = 2
"""Days that each log takes in, where two are compared."""

SAMPLE: Final = 200
"""Pages that are read at the end, and compared with what the simulator says."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What a process that took files in says of itself: seconds a file, memory in MB."""

    seconds: list[float]
    own_mb: list[float]


@dataclass(frozen=True, slots=True)
class Town:
    """A ledger on one log with its households, all of them settled and shown."""

    name: str
    settings: Settings
    homes: list[tuple[UUID, UUID]]


def main() -> None:
    """Settle the town, take a day in, compare, and print the table."""
    asked = _arguments()
    meters = town.meters(asked.meters)
    with contextlib.ExitStack() as stack:
        towns = [stack.enter_context(_settled("PostgreSQL", 0, meters))]
        if asked.log == KAFKA:
            name = f"Kafka, {asked.nodes} broker{'s' if asked.nodes > 1 else ''}"
            towns.append(stack.enter_context(_settled(name, asked.nodes, meters)))
            rows = list(_beside(towns, meters, asked.workers))
        else:
            rows = list(_day(towns[0], meters, asked.workers))
    files = -(-asked.meters // MOST_METERS)
    conditions = [
        f"{asked.meters:,} meters, {files} files of up to {MOST_METERS:,}, AES-256-CBC",
        f"{asked.workers} processes take in, one shows; PostgreSQL beside them, over a Unix socket",
        "fsync and synchronous_commit on; tiles and checkpoint fsynced before each answer",
    ]
    if asked.log == KAFKA:
        conditions += [
            "Kafka on this machine, acks=all; it syncs to disk when the kernel likes",
            f"the logs take turns, best of {TURNS} days each",
        ]
    report(rows, conditions, asked.json)


@contextlib.contextmanager
def _settled(name: str, nodes: int, meters: Sequence[SimulatedMeter]) -> Iterator[Town]:
    with home(nodes) as settings:
        say(f"settling {len(meters):,} households on {name} …")
        with open_ledger(settings) as installation:
            homes = town.settle(installation, [meter.number for meter in meters], _progress)
            say("showing their accounts …")
            installation.shown.catch_up()
        yield Town(name, settings, homes)


def _day(place: Town, meters: Sequence[SimulatedMeter], processes: int) -> Iterator[Row]:
    """One day on one log, its stages, and the rivals."""
    settings = place.settings
    say("the day before, so that there is something to count from …")
    _take_day(settings, _write(settings, meters, FIRST), processes)
    say("the day itself …")
    seconds, workers = _take_day(settings, _write(settings, meters, next_day(FIRST)), processes)
    with open_ledger(settings) as installation:
        rest_garbage_collector()
        _check(installation, meters, place.homes, next_day(FIRST))
        yield from _day_rows(len(meters), seconds, workers)
        yield from _stages(installation, settings, meters)
    yield from _rivals(settings, len(meters) / seconds)


def _beside(
    towns: Sequence[Town], meters: Sequence[SimulatedMeter], processes: int
) -> Iterator[Row]:
    """The same days on two logs, in turn, so that what else the machine does hits both."""
    best = [math.inf for _ in towns]
    day = FIRST
    for turn in range(TURNS + 1):  # the first only gives something to count from
        for number, place in enumerate(towns):
            say(f"day {turn} on {place.name} …")
            files = _write(place.settings, meters, day)
            seconds, _ = _take_day(place.settings, files, processes)
            if turn:
                best[number] = min(best[number], seconds)
                with open_ledger(place.settings) as installation:
                    _check(installation, meters, place.homes, day)
        day = next_day(day)
    for place, seconds in zip(towns, best, strict=True):
        yield Row(
            what=f"a day from the drop box to the page, {place.name}",
            value=seconds,
            unit="s",
            note=f"{len(meters) / seconds:,.0f} readings/s; {seconds / best[0]:.2f} times",
            aim="at most 1.5 times" if place is not towns[0] else "",
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    parser.add_argument("--meters", type=int, default=30_000, help="370000 is Grenoble's")
    parser.add_argument("--workers", type=int, default=2, help="processes that take files in")
    parser.add_argument(
        "--log", choices=[POSTGRES, KAFKA], default=POSTGRES, help=f"{KAFKA}: the day on both"
    )
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=3, help="Kafka's brokers")
    return parser.parse_args()


def _progress(settled: int) -> None:
    if settled % 30_000 == 0:
        say(f"  {settled:,}")


def _write(settings: Settings, meters: Sequence[SimulatedMeter], day: date) -> list[Path]:
    """Write a day's files where the operator would push them."""
    incoming = settings.home / "incoming"
    incoming.mkdir(exist_ok=True)
    parts = -(-len(meters) // MOST_METERS)
    paths = []
    for part in range(parts):
        some = meters[part * MOST_METERS : (part + 1) * MOST_METERS]
        name, content = sent(
            Night(
                seed=town.SEED,
                day=day,
                meters=some,
                part=part + 1,
                parts=parts,
                powers=False,
                sequence=(day - FIRST).days + 1,
            ),
            KEY,
        )
        paths.append(incoming / name)
        paths[-1].write_bytes(content)
    return paths


def _take_day(
    settings: Settings, files: Sequence[Path], workers: int
) -> tuple[float, list[Worker]]:
    """Take a day's files in; return the seconds until all can be read, and what the workers say."""
    context = multiprocessing.get_context("spawn")
    todo: Queue[Path | None] = context.Queue()
    told: Queue[Worker] = context.Queue()
    shown: Queue[float] = context.Queue()
    ready, done = context.Barrier(workers + 2), context.Event()
    for path in [*files, *[None] * workers]:
        todo.put(path)
    takers = [
        context.Process(target=_take_files, args=(settings, todo, told, ready))
        for _ in range(workers)
    ]
    shower = context.Process(target=_show, args=(settings, ready, done, shown))
    for process in (*takers, shower):
        process.start()
    ready.wait(120)
    begin = time.perf_counter()
    answers = [told.get() for _ in takers]
    done.set()
    seconds = shown.get() - begin
    for process in (*takers, shower):
        process.join()
    failed = [process.exitcode for process in (*takers, shower) if process.exitcode]
    assert not failed, f"a process ended with {failed}"
    return seconds, answers


def _take_files(
    settings: Settings, todo: Queue[Path | None], told: Queue[Worker], ready: Barrier
) -> None:
    keyring = Keyring(keys=(KEY,))
    said = Worker([], [])
    with open_ledger(settings) as installation:
        rest_garbage_collector()
        ready.wait(120)
        while (path := todo.get()) is not None:
            begin = time.perf_counter()
            outcome = ingest_file(installation.services, keyring, path)
            assert outcome.result is Result.TAKEN_IN, outcome.result
            said.seconds.append(time.perf_counter() - begin)
            said.own_mb.append(_own_mb())
        told.put(said)


def _show(settings: Settings, ready: Barrier, done: Event, shown: Queue[float]) -> None:
    """Show what is taken in, and say when all of it was: the clock is the machine's own."""
    with open_ledger(settings) as installation:
        rest_garbage_collector()
        ready.wait(120)
        while not done.is_set():
            installation.shown.catch_up(Part.READINGS)
            done.wait(0.02)
        installation.shown.catch_up()
        shown.put(time.perf_counter())


def _own_mb() -> float:
    """Return the memory of this process alone: not what it maps of files, which is the system's."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _check(
    installation: Installation,
    meters: Sequence[SimulatedMeter],
    homes: Sequence[tuple[UUID, UUID]],
    day: date,
) -> None:
    """Make sure that the pages say what the simulator measured, and the checkpoint covers it."""
    step = max(len(meters) // SAMPLE, 1)
    for meter, (_, consent) in list(zip(meters, homes, strict=True))[::step]:
        (shown,) = daily(installation.shown, consent, day, day)
        before, after = (index_wh(town.SEED, meter.number, one) for one in (day, next_day(day)))
        assert shown.energy_wh == after - before
    published = installation.publisher.published()
    assert published is not None
    assert published.checkpoint.size == installation.store.cursor().size


def _day_rows(meters: int, seconds: float, workers: list[Worker]) -> Iterator[Row]:
    yield Row(
        what="readings from the drop box to the page",
        value=meters / seconds,
        unit="readings/s",
        note=f"{seconds:.1f} s for the day",
        aim="25,000; at least 15,000",
    )
    peaks = [worker.own_mb for worker in workers if worker.own_mb]
    yield Row(
        what="memory of a process that takes files in, at its peak",
        value=max(max(one) for one in peaks),
        unit="MB",
        note=f"after its first file {statistics.mean(one[0] for one in peaks):.0f} MB",
    )


def _stages(
    installation: Installation, settings: Settings, meters: Sequence[SimulatedMeter]
) -> Iterator[Row]:
    """Take one more file in, alone, stage by stage."""
    some = meters[:MOST_METERS]
    day = next_day(next_day(FIRST))
    (path,) = _write(settings, some, day)
    for what, seconds in stages(installation, path, Keyring(keys=(KEY,))):
        yield Row(what=f"  {what}", value=1e6 * seconds / len(some), unit="µs/reading")


def _rivals(settings: Settings, rate: float) -> Iterator[Row]:
    conninfo = EmbeddedPostgres(settings.postgres).conninfo
    for at_once, aim in ((1, "35 times; at least 20"), (100, "12 times")):
        theirs = load_append_save(conninfo, at_once)
        yield Row(
            what=f"eventsourcing, an aggregate a meter, load + append + save({at_once})",
            value=theirs,
            unit="readings/s",
            note=f"ours: {rate / theirs:.1f} times",
            aim=aim,
        )
    theirs = bulk_insert(conninfo)
    yield Row(
        what="eventsourcing, bare bulk insert: no load, seal, proof or page",
        value=theirs,
        unit="readings/s",
        note=f"ours: {rate / theirs:.2f} times",
    )


if __name__ == "__main__":
    main()
