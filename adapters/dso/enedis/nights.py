"""What Enedis sends night after night, defects included: a plan, made from a seed.

Every question is answered by a closed formula of (seed, day, meter or part), so one
seed is one history: whichever day one begins at, a night holds the files, late days
and holes that it would have held otherwise. What goes wrong, and how often:

* one meter in a hundred has no value for a day: it is sent bare, and mostly comes
  late, 1 to 20 days after, in the same meter's part of another file;
* one file in forty is not sent when it was made: it comes up to three nights later
  under the name it had, or never, and leaves a hole in i of n, or in the sequence;
* one in twenty is sent twice;
* files made from 9 June 2026 on are under the new encryption, one sent late under
  the one of its making.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import BLOCK, KEY_BYTES, Algorithm, FileKey, Keyring
from adapters.dso.enedis.names import base_name
from adapters.dso.enedis.series import EPOCH, SimulatedMeter, chance
from adapters.dso.enedis.simulator import MOST_METERS, Night, sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHANGE: Final = date(2026, 6, 9)
"""The first day whose files are under AES-256 with the IV in the file."""
LATE_DAYS_MAX: Final = 20
"""How late a missing day may still come (guide Enedis.SGE.GUI.0317)."""
HELD_NIGHTS_MAX: Final = 3
NEVER: Final = 0

_BLANK_ONE_IN, _HELD_ONE_IN, _TWICE_ONE_IN = 100, 40, 20
_LAGS: Final = LATE_DAYS_MAX + 4
"""The lags that are drawn from: the four beyond the latest are never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """An operator's whole behaviour towards us; equal values send equal bytes."""

    seed: int
    town: tuple[SimulatedMeter, ...] = field(repr=False)
    points_a_file: int = MOST_METERS

    @property
    def parts(self) -> int:
        """Return how many files one day's delivery has."""
        return -(-len(self.town) // self.points_a_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is sent in one night: at what time, and the files in their order."""

    at: datetime
    files: tuple[Night, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one file travels.

    `renamed`: under a temporary name first. `cut`: after so many thousandths of it the
    connection breaks, and the rest follows over another; None: in one go.
    """

    renamed: bool
    cut: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One push: what is put where, and how."""

    name: str
    content: bytes = field(repr=False)
    manner: Manner


def runs(history: History, first: date, last: date) -> Iterator[Run]:
    """Yield the nights about the days measured from `first` to `last`, both included."""
    gaps = lru_cache(maxsize=LATE_DAYS_MAX + HELD_NIGHTS_MAX + 1)(lambda day: _gaps(history, day))
    day = first
    while day <= last:
        made_before = (day - timedelta(days=held) for held in range(HELD_NIGHTS_MAX + 1))
        files = [
            _file(history, made, part, gaps)
            for held, made in enumerate(made_before)
            for part in range(1, history.parts + 1)
            if _held(history.seed, made, part) == held
        ]
        yield Run(at=Night(seed=history.seed, day=day, meters=()).created, files=tuple(files))
        day += timedelta(days=1)


def parcels(run: Run, keyring: Keyring) -> Iterator[Parcel]:
    """Yield what is pushed in a night: every file, one in four with its companion, some twice."""
    for file in run.files:
        name, content = sent(file, key_of(keyring, file.created.date()))
        drawn = chance(file.seed, name, "manner")
        renamed, cut = drawn % 3 != 0, drawn // 3 % 1_000
        parcel = Parcel(
            name=name,
            content=content,
            manner=Manner(renamed=renamed, cut=cut if drawn // 3_000 % 5 == 0 else None),
        )
        yield parcel
        if drawn // 15_000 % 4 == 0:
            yield _companion(name)
        if drawn // 60_000 % _TWICE_ONE_IN == 0:
            yield parcel


def key_of(keyring: Keyring, made: date) -> FileKey:
    """Return the key that a file made on this day is under: the first of its algorithm."""
    algorithm = Algorithm.AES_256_CBC if made >= CHANGE else Algorithm.AES_128_CBC
    return next(key for key in keyring.keys if key.algorithm is algorithm)


def simulated_keyring(seed: int) -> Keyring:
    """Return the two keys that the simulated operator gave us before, the newer one first."""
    old, new = Algorithm.AES_128_CBC, Algorithm.AES_256_CBC
    return Keyring(
        (
            FileKey(name=f"simulated-{CHANGE:%Y-%m}", algorithm=new, secret=_secret(seed, new)),
            FileKey(
                name="simulated-before",
                algorithm=old,
                secret=_secret(seed, old),
                iv=blake2b(f"simulated iv {seed}".encode(), digest_size=BLOCK).digest(),
            ),
        )
    )


def _file(
    history: History, made: date, part: int, gaps: Callable[[date], Mapping[str, int]]
) -> Night:
    size = history.points_a_file
    meters = history.town[(part - 1) * size : part * size]
    ours = {meter.number for meter in meters}
    late: defaultdict[str, tuple[date, ...]] = defaultdict(tuple)
    for lag in range(LATE_DAYS_MAX, 0, -1):
        missed = made - timedelta(days=lag)
        for number, arrives_after in gaps(missed).items():
            if arrives_after == lag and number in ours:
                late[number] += (missed,)
    return Night(
        seed=history.seed,
        day=made,
        meters=meters,
        blank=frozenset(gaps(made).keys() & ours),
        late=dict(late),
        sequence=1 + (made - EPOCH).days,
        part=part,
        parts=history.parts,
    )


def _gaps(history: History, day: date) -> dict[str, int]:
    """Return the meters whose day is missing at first, and after how many days it comes."""
    found = {}
    for meter in history.town:
        drawn = chance(history.seed, meter.number, f"gap {day}")
        if drawn % _BLANK_ONE_IN == 0:
            lag = 1 + drawn // _BLANK_ONE_IN % _LAGS
            found[meter.number] = lag if lag <= LATE_DAYS_MAX else NEVER
    return found


def _held(seed: int, made: date, part: int) -> int | None:
    """Return after how many nights a file is sent, or None when it never is."""
    drawn = chance(seed, f"held {made}", str(part))
    if drawn % _HELD_ONE_IN:
        return 0
    nights = 1 + drawn // _HELD_ONE_IN % (HELD_NIGHTS_MAX + 1)
    return nights if nights <= HELD_NIGHTS_MAX else None


def _companion(name: str) -> Parcel:
    """Return the companion of a file; what real ones hold is not known, and nobody reads them."""
    content = f'<?xml version="1.0" encoding="UTF-8"?><svc>{base_name(name)}</svc>\n'.encode()
    manner = Manner(renamed=False, cut=None)
    return Parcel(name=f"{base_name(name)}_svc.xml", content=content, manner=manner)


def _secret(seed: int, algorithm: Algorithm) -> bytes:
    text = f"simulated key {seed} {algorithm.value}".encode()
    return blake2b(text, digest_size=KEY_BYTES[algorithm]).digest()
