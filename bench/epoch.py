"""The end of an epoch over a metropolis, and what others notice meanwhile.

A key store of 400,000 persons, each with a profile, the evidence of a consent and two years of
readings, found by an e-mail and a meter: 1.6 million keys, 800,000 entries of the index. One
process ends the epoch. Beside it one fetches a person's keys again and again, one looks an
e-mail up, and one mints for newcomers, each with a pause after each call, as a portal and a
collector would; what they wait is told for the minute before and for the end itself.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bench.place import say
from bench.table import Row, parser, report
from keys.index import Entry, Kind, Lookup
from keys.keyring import FileKeyring
from keys.names import KeyName, Purpose
from keys.store import KeyStore, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.synchronize import Barrier, Event

PERSONS: Final = 400_000
YEARS: Final = (2025, 2026)
NOW: Final = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
PAUSE_S: Final = 0.005
_BATCH: Final = 4_000

Waited = list[tuple[float, float]]
"""When each call began, by the system's monotonic clock, and what it took; in seconds."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the key store of a benchmark lies."""

    root: Path

    def create(self) -> KeyStore:
        """Make an empty store."""
        keyring = FileKeyring.create(self.root / "keyring" / "epochs")
        journal = self.root / "destroyed" / "journal"
        return KeyStore.create(self.root / "keys", keyring=keyring, journal=journal, now=NOW)

    def open(self, step: Callable[[str], None] = lambda _: None) -> KeyStore:
        """Open it; `step` hears of each step of an epoch's end."""
        return KeyStore.open(
            self.root / "keys",
            keyring=FileKeyring(self.root / "keyring" / "epochs"),
            journal=self.root / "destroyed" / "journal",
            options=Options(backup=self.root / "backup" / "keys.sqlite", step=step),
        )


def owner_of(number: int) -> UUID:
    """Return a person's id; made from its number, so that nobody has to be told of it."""
    return UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128))


def names_of(number: int) -> list[KeyName]:
    """Return the names of a person's four keys."""
    owner = owner_of(number)
    consent = UUID(int=owner.int ^ 1)
    return [
        KeyName(owner=owner, purpose=Purpose.PROFILE),
        KeyName(owner=owner, purpose=Purpose.EVIDENCE, consent=consent),
        *(
            KeyName(owner=owner, purpose=Purpose.READINGS, consent=consent, year=year)
            for year in YEARS
        ),
    ]


def lookups_of(number: int) -> list[Lookup]:
    """Return what leads to a person."""
    return [
        Lookup(Kind.EMAIL, f"resident.{number}@courriel.example"),
        Lookup(Kind.METER, f"enedis\nelectricity\n{number:014}"),
    ]


def scattered(persons: int) -> Iterator[int]:
    """Yield persons' numbers from all over the store, for ever."""
    return (one * 0x9E3779B1 % persons for one in itertools.count(1))


def settle(store: KeyStore, persons: int) -> None:
    """Give everybody their keys, and their entries of the index."""
    for first in range(0, persons, _BATCH):
        some = range(first, min(first + _BATCH, persons))
        store.mint(name for number in some for name in names_of(number))
        command = owner_of(persons + first)
        entries = (
            (lookup, Entry(owner_of(number), owner_of(number)))
            for number in some
            for lookup in lookups_of(number)
        )
        store.index.reserve_many(entries, command)
        store.index.confirm(command)


@dataclass(frozen=True, slots=True)
class Beside:
    """How a process beside learns when to begin and to end, and tells what it waited."""

    ready: Barrier
    done: Event
    waits: multiprocessing.Queue[Waited]

    def repeat(self, call: Callable[[], object], pause_s: float = PAUSE_S) -> None:
        """Call again and again, from when all are ready until it is over."""
        waited: Waited = []
        self.ready.wait()
        while not self.done.is_set():
            begun = time.monotonic()
            assert call()
            waited.append((begun, time.monotonic() - begun))
            time.sleep(pause_s)
        self.waits.put(waited)


def fetch(home: Path, persons: int, beside: Beside) -> None:
    """Fetch the keys of one person after another."""
    number = scattered(persons)
    with Home(home).open() as store:
        beside.repeat(lambda: store.find(names_of(next(number))))


def look_up(home: Path, persons: int, beside: Beside) -> None:
    """Look one e-mail up after another, as those do who sign in."""
    number = scattered(persons)
    with Home(home).open() as store:
        beside.repeat(lambda: store.index.find(lookups_of(next(number))[0]))


def mint(home: Path, persons: int, beside: Beside) -> None:
    """Mint for newcomers, one after another."""
    newcomers = iter(range(3 * persons, 1 << 62))
    with Home(home).open() as store:
        beside.repeat(lambda: store.mint(names_of(next(newcomers))), 10 * PAUSE_S)


OTHERS: Final = {"fetch of a person's keys": fetch, "look-up of an e-mail": look_up, "mint": mint}


def main(persons_by_default: int = PERSONS) -> None:
    """Settle, end an epoch beside others, print the table."""
    asked = _arguments(persons_by_default)
    with tempfile.TemporaryDirectory(prefix="metroledger-bench-", dir=asked.place) as root:
        home = Home(Path(root))
        begun = time.monotonic()
        with home.create() as store:
            settle(store, asked.persons)
        say(f"{asked.persons:,} persons settled in {time.monotonic() - begun:.0f} s")
        rows = _measure(home, asked.persons, asked.seconds)
        size = (home.root / "keys" / "keys.sqlite").stat().st_size / (1 << 20)
    conditions = [
        f"{asked.persons:,} persons, {4 * asked.persons:,} keys, {2 * asked.persons:,} entries",
        f"the store has {size:,.0f} MB, on {home.root.parent}",
        f"{len(OTHERS)} other processes, each with {1e3 * PAUSE_S:.0f} ms after a call, mint 50",
    ]
    report(rows, conditions, asked.json)


def _arguments(persons: int) -> argparse.Namespace:
    made = parser((__doc__ or "").splitlines()[0])
    made.add_argument("--persons", type=int, default=persons)
    made.add_argument("--place", type=Path, help="a directory of the disk to be measured")
    return made.parse_args()


def _measure(home: Home, persons: int, seconds: float) -> list[Row]:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(1 + len(OTHERS)), context.Event()
    asking = []
    for other in OTHERS.values():
        beside = Beside(ready, done, context.Queue())
        process = context.Process(target=other, args=(home.root, persons, beside))
        process.start()
        asking.append((process, beside.waits))
    steps: list[tuple[str, float]] = []
    with home.open(lambda step: steps.append((step, time.monotonic()))) as store:
        ready.wait()
        time.sleep(seconds)
        begun = time.monotonic()
        store.end_epoch(NOW)
        ended = time.monotonic()
        time.sleep(PAUSE_S)
    done.set()
    told = [waits.get() for _, waits in asking]
    for process, _ in asking:
        process.join()
    aim = "≤ 30 s" if persons == PERSONS else ""
    rows = [Row(what="an epoch's end", value=ended - begun, unit="s", aim=aim)]
    rows += _by_step(steps, begun)
    for name, waited in zip(OTHERS, told, strict=True):
        rows += _waits(name, waited, begun, ended)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, Row(what="memory of the process that ends it, peak", value=peak, unit="MB")]


def _by_step(steps: Iterable[tuple[str, float]], begun: float) -> list[Row]:
    """Tell when each step was passed, one that comes again the last time."""
    passed = dict(steps)
    return [Row(what=f"  until {step}", value=at - begun, unit="s") for step, at in passed.items()]


def _waits(name: str, waited: Waited, begun: float, ended: float) -> list[Row]:
    """Tell what a call took before the end, and while it ran: also one that began before it."""
    before = [took for at, took in waited if at + took < begun]
    during = [took for at, took in waited if at + took >= begun and at <= ended]
    return [
        Row(what=f"{name}, before, p99", value=1e3 * _quantile(before, 0.99), unit="ms"),
        Row(
            what=f"{name}, meanwhile, p99",
            value=1e3 * _quantile(during, 0.99),
            unit="ms",
            note=f"p50 {1e3 * _quantile(during, 0.5):.1f}, longest {1e3 * max(during):,.0f}, "
            f"{len(during):,} calls",
        ),
    ]


def _quantile(values: list[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


if __name__ == "__main__":
    main()
