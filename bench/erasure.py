"""An erasure, with ten days and with ten years of history: until when anything can be read.

The one who is erased has a home like all others and a history of so many days. The portal is
started as an operator starts it, by two processes, and asked for all that is held of the person
without a pause, by four readers. The erasure is carried out by a process of its own. Two
figures must stay below their aims: how long after the destruction of the keys a request is
still answered, and how long from the validation until everything is purged: keys, index,
older copies of the key store, and what was shown. The first may not grow with the history.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.series import EPOCH
from adapters.dso.enedis.simulator import Night, sent
from application import erasure, residents
from application.access import sessions
from application.collecting import ACCEPTED
from bench import town
from bench.place import home, say
from bench.portal import KEY, served
from bench.table import Row, parser, report
from bench.watching import Watch, watched
from domain.policies.retention import Periods
from domain.values import Matter
from metroledger.bootstrap import administrator, open_ledger
from metroledger.cli.files import ingest_file
from metroledger.periods import YEARS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from adapters.dso.enedis.series import SimulatedMeter
    from metroledger.bootstrap import Installation

HISTORIES: Final = (10, 3_650)
FIRST: Final = EPOCH + timedelta(days=1)
"""The simulator's meters count from `EPOCH` on; ten years of theirs end after today."""

PERIODS: Final = Periods(years=dict.fromkeys(Matter, YEARS_MAX))
"""By default nobody's data becomes ten years old."""

WORKERS: Final = 2
_DAY: Final = timedelta(days=1)
_AT_ONCE: Final = 8
_FILED_EVERY: Final = 200
_WARM_S: Final = 1.0
_AFTER_S: Final = 1.5
"""For how long the portal is asked on when all is over: as long as it may still answer."""


@dataclass(slots=True)
class Stamps:
    """When each step of an erasure was finished; `last` holds of a repeated one the last."""

    last: dict[str, float] = field(default_factory=dict)

    def __call__(self, step: str) -> None:
        """Hear of a step."""
        self.last[step] = time.monotonic()


def main() -> None:
    """Measure each history in a ledger of its own, and print the table."""
    made = parser((__doc__ or "").splitlines()[0])
    made.add_argument("--homes", type=int, default=10, help="how many, one of which is erased")
    made.add_argument("--days", type=int, nargs="+", default=HISTORIES, help="of history, each")
    asked = made.parse_args()
    rows = [row for days in asked.days for row in measure(asked.homes, days)]
    conditions = [
        f"{asked.homes} homes with ten registers each; the epoch is ended with the erasure",
        f"portal: `metroledger serve` by {WORKERS} processes, asked by 4 readers without a pause",
    ]
    report(rows, conditions, asked.json)


def measure(homes: int, days: int) -> list[Row]:
    """Return the rows of one history."""
    with home() as defaults:
        settings = replace(defaults, periods=PERIODS)
        with open_ledger(settings) as installation:
            meters = town.meters(homes)
            first, last = FIRST, FIRST + days * _DAY
            numbers = [meter.number for meter in meters]
            accounts = town.settle(installation, numbers, entry_day=first)
            _take(installation, meters, first, last)
            leaving, consent = accounts[0]
            held = len(installation.shown.entries(consent))
            cookie = sessions.begin(installation.services, installation.access, account=leaving)
        with served(settings, WORKERS) as (port, _), open_ledger(settings) as installation:
            facts = [numbers[0], f"Foyer {numbers[0]}"]
            watch = Watch(port=port, cookie=cookie, facts=facts)
            with watched(watch, settings.destroyed):
                time.sleep(_WARM_S)
                say(f"erasing {held:,} readings …")
                begun, stamps = _erase(installation, leaving)
                time.sleep(_AFTER_S)
    return _rows(days, held, watch, begun, stamps)


def _take(
    installation: Installation, meters: Sequence[SimulatedMeter], first: date, last: date
) -> None:
    """Take each night's file in, several at once, and file them."""
    directory = installation.settings.home / "incoming"
    directory.mkdir()
    nights = [first + n * _DAY for n in range((last - first).days + 1)]

    def take(day: date) -> None:
        night = Night(seed=town.SEED, day=day, meters=meters, powers=False)
        name, content = sent(night, KEY)
        (path := Path(directory, name)).write_bytes(content)
        outcome = ingest_file(installation.services, Keyring(keys=(KEY,)), path)
        assert outcome.counts == {ACCEPTED: len(meters)}, outcome
        path.unlink()

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for start in range(0, len(nights), _FILED_EVERY):
            say(f"taking in {start:,} of {len(nights):,} nights …")
            list(threads.map(take, nights[start : start + _FILED_EVERY]))
            installation.shown.catch_up()
            while installation.shown.compact():
                pass


def _erase(installation: Installation, account: UUID) -> tuple[float, Stamps]:
    """Ask, check, validate and carry out; return when it was validated, and the steps."""
    services, by, stamps = installation.services, administrator(installation), Stamps()
    erasure.request(services, account, residents.resident(account))
    erasure.check_identity(services, account, by, means="bench")
    erasure.validate(services, account, by)
    begun = time.monotonic()
    erasure.erase(services, account, by, step=stamps)
    stamps("all certified")
    installation.shown.catch_up()
    stamps("purged")
    return begun, stamps


def _rows(days: int, held: int, watch: Watch, begun: float, stamps: Stamps) -> list[Row]:
    refused = sum(
        n for (_, status), n in watch.answers.items() if status == HTTPStatus.UNAUTHORIZED
    )
    shown = sum(n for (_, status), n in watch.answers.items() if status == HTTPStatus.OK)
    assert len(watch.asked_at) > 1, "nothing was readable before, so nothing is shown"
    assert refused, "nobody was refused after it, so nothing is shown"
    at = stamps.last
    took = {
        "to the destruction of the keys": at["keys destroyed"] - begun,
        "from there to the end of the epoch": at["epoch ended"] - at["keys destroyed"],
        "from there to the certificate": at["all certified"] - at["epoch ended"],
        "from there until what was shown is dropped": at["purged"] - at["all certified"],
    }
    what = f"{days:,} days: "
    return [
        Row(
            what=what + "asked after the destruction, still answered",
            value=1e3 * watch.readable_s,
            unit="ms",
            note=f"{held:,} readings; {shown} answers with 200, then {refused} with 401",
            aim="1,000, and the same with any history",
        ),
        Row(
            what=what + "asked before it, the answer's end after it",
            value=1e3 * watch.answered_s,
            unit="ms",
        ),
        Row(
            what=what + "validated to purged",
            value=at["purged"] - begun,
            unit="s",
            note="; ".join(f"{name} {seconds:.2f}" for name, seconds in took.items()),
            aim="60",
        ),
    ]


if __name__ == "__main__":
    main()
