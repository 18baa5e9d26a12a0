"""What the demo's operator delivers: one history and a few nights, from one seed.

Nobody's data: the simulator makes meters whose numbers exist nowhere. The days end
shortly before today, as real ones would. Of the resident's meter, `nights[0]` and
`nights[2]` have no value (bare days); `nights[3]` sends the day of `nights[2]` late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import Algorithm, FileKey, Keyring, format_keyring
from adapters.dso.enedis.names import HistoricName, format_name
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, historic_csv, sent

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.dso.enedis.series import SimulatedMeter

SEED: Final = 7
METERS: Final = 40
FIRST_DAY: Final = date(2025, 9, 1)
"""The history's first day: two weeks before the resident moved in."""

ENTRY_DAY: Final = date(2025, 9, 15)
_NIGHTS: Final = 5
_DELAY: Final = timedelta(days=4)
"""The last night is about this many days before today, so that it was sent before now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """The resident's point, and where each file lies: `nights` in the order of their days."""

    number: str
    keys: Path
    history: Path
    nights: tuple[Path, ...]


def write_deliveries(directory: Path, today: date) -> Deliveries:
    """Write everything that the operator will deliver, and the key it gave us before."""
    directory.mkdir()
    meters = town(SEED, METERS)
    ours = next(m for m in meters[METERS // 2 :] if m.known_calendar and m.distributor != 1)
    key = FileKey(name="enedis-2026-06", algorithm=Algorithm.AES_256_CBC, secret=_secret())
    keys = directory / "enedis-keys.json"
    keys.write_text(format_keyring(Keyring((key,))), "utf-8")
    first = today - _DELAY - timedelta(days=_NIGHTS - 1)
    history = directory / format_name(HistoricName(request="DEMO01"), extension="csv")
    history.write_bytes(historic_csv(SEED, ours, FIRST_DAY, first))
    nights = []
    for place in range(_NIGHTS):
        name, content = sent(_night(meters, ours, first, place), key)
        nights.append(directory / name)
        nights[-1].write_bytes(content)
    return Deliveries(number=ours.number, keys=keys, history=history, nights=tuple(nights))


def _night(
    meters: tuple[SimulatedMeter, ...], ours: SimulatedMeter, first: date, place: int
) -> Night:
    day = first + timedelta(days=place)
    return Night(
        seed=SEED,
        day=day,
        meters=meters,
        blank=frozenset({ours.number}) if place in {0, 2} else frozenset(),
        late={ours.number: (day - timedelta(days=1),)} if place == 3 else {},  # noqa: PLR2004 (the fourth night)
        sequence=place + 1,
    )


def _secret() -> bytes:
    return blake2b(f"metroledger demo {SEED}".encode(), digest_size=32).digest()
