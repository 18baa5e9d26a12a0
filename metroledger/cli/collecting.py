"""Commands on the drop box: collect what operators deliver, and tell what came and what did not."""

from __future__ import annotations

import gc
import logging
import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dropbox.watch import INCOMING, Box
from adapters.dso.enedis.archive import LARGEST_BYTES
from application.arrivals import Alarm, State, Trouble, alarms
from application.collecting import ACCEPTED
from application.collection_run import Collected, Collection, collect_once, take_again
from application.deliveries import Result
from application.parking import KEPT_DAYS, parked_content
from application.telling import tell
from domain.errors import Unavailable
from keys.files import write_durably
from metroledger import logs
from metroledger.bootstrap import open_ledger, rest_garbage_collector
from metroledger.cli.common import Commands, command, group, identifier, print_json
from metroledger.cli.running import stopped_by_signals
from metroledger.operators import ENEDIS, UNOPENED, enedis_intake, keyring_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from metroledger.bootstrap import Installation
    from metroledger.settings import Settings

PARKED: Final = frozenset({Result.PARKED, Result.ALREADY_PARKED})
ROUND_S: Final = 0.5
SINCE_DAYS: Final = 60
SENTENCES: Final = {
    Trouble.NOTHING_DECRYPTED: "files come and NONE CAN BE DECRYPTED: no key fits",
    Trouble.PARTS_MISSING: "parts of a delivery did not come",
    Trouble.DELIVERIES_MISSING: "deliveries between two that came did not come",
    Trouble.NOT_SETTLED: "files came and were not taken in to their end",
    Trouble.NOT_TOUCHED: "lies in incoming and is never touched: links, directories, giants",
}


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    collect = command(commands, "collect", _collect, "Take in what operators deliver, for ever.")
    collect.add_argument("--watch", action="store_true", help="tell each file in a plain line")
    collect.add_argument("--once", action="store_true", help="until nothing moves, then end")
    files = command(commands, "files", _files, "Say which files came, what is missing, and alarms.")
    files.add_argument("--days", type=int, default=SINCE_DAYS, help="since so many days (60)")
    files.add_argument("--json", action="store_true", help="one JSON line a file, then the alarms")
    parked = group(commands, "parked", "Files that could not be read, kept sealed for a while.")
    command(parked, "again", _again, "Take in the parked files that can be read by now.")
    show = command(parked, "show", _show_parked, "Write a parked file out, as it came.")
    show.add_argument("delivery", type=identifier)
    show.add_argument("--output", type=Path, required=True, help="for you alone (0600)")


def collection_of(installation: Installation, box: Box) -> Collection:
    """Return what a round works with; keys are read anew, so that a new one counts at once."""
    settings = installation.settings
    return Collection(
        services=installation.services,
        arrivals=installation.arrivals,
        box=box,
        intakes={ENEDIS: enedis_intake(keyring_of(settings))},
        kept=timedelta(days=settings.dropbox.kept_days),
    )


def box_of(settings: Settings) -> Box:
    """Return the watched directories, made where they are not yet."""
    place = settings.dropbox.place
    (place / INCOMING / ENEDIS).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Box(place, quiet_s=settings.dropbox.quiet_s, largest_bytes=LARGEST_BYTES)


def _collect(settings: Settings, arguments: argparse.Namespace) -> int:
    if not arguments.watch:
        logs.set_up(sys.stderr)
    with open_ledger(settings) as installation, stopped_by_signals() as stop:
        box = box_of(settings)
        rest_garbage_collector()
        while not stop.is_set():
            try:
                came = _round(installation, box, watched=arguments.watch)
            except Unavailable as error:
                if arguments.once:
                    raise
                tell("collect-waits", logging.WARNING, error=error)
                came = 0
            if arguments.once and not came and not box.waiting:
                return 0
            if not came:
                stop.wait(ROUND_S)
    return 0


def _round(installation: Installation, box: Box, *, watched: bool) -> int:
    came = 0
    for collected in collect_once(collection_of(installation, box)):
        came += 1
        if collected.outcome and collected.outcome.result in PARKED:
            gc.collect()  # errors and frames hold each other, and a hostile file's bytes with them
        if watched:
            print(_line(collected), flush=True)
        else:
            _tell(collected)
    return came


def _line(collected: Collected) -> str:
    arrival, outcome = collected.arrival, collected.outcome
    slot = arrival.slot
    which = f"no {slot.sequence:05}, {slot.part} of {slot.parts}" if slot else "unnumbered"
    if outcome is None:
        return f"{arrival.at:%H:%M:%S} {arrival.operator}: a companion, nothing in it to take in"
    counts = outcome.counts
    taken = counts.get(ACCEPTED, 0)
    told = f"{taken} taken in, {sum(counts.values()) - taken} not" if outcome.ends else ""
    if outcome.result.value.endswith("parked"):
        told = ", ".join(counts).replace("_", " ")
    what = outcome.result.value.replace("_", " ")
    return f"{arrival.at:%H:%M:%S} {arrival.operator}: {which}: {what} {outcome.id} {told}".rstrip()


def _tell(collected: Collected) -> None:
    outcome = collected.outcome
    if outcome is None:
        return
    tell(
        "file-collected",
        delivery=outcome.id,
        result=outcome.result,
        bytes=collected.arrival.size_bytes,
        taken=outcome.counts.get(ACCEPTED, 0),
    )


def _files(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        now = installation.clock()
        arrived = installation.arrivals.since(now - timedelta(days=arguments.days))
    found = (*alarms(arrived, now, UNOPENED), *_strange(box_of(settings)))
    if arguments.json:
        for line in (*map(asdict, arrived), *map(asdict, found)):
            print_json(line)
        return 1 if found else 0
    states = Counter((one.operator, one.state.value, one.reason) for one in arrived)
    for (operator, state, reason), count in sorted(states.items(), key=str):
        why = f" ({reason.replace('_', ' ')})" if reason else ""
        print(f"{operator}: {count:>6} {state.replace('_', ' ')}{why}")
    if not arrived:
        print(f"no file came in the last {arguments.days} days")
    for alarm in found:
        print(f"ALARM {_say(alarm)}")
    return 1 if found else 0


def _strange(box: Box) -> Iterator[Alarm]:
    box.look()
    for operator in sorted(box.strange.keys() | (box.operators - {ENEDIS})):
        yield Alarm(trouble=Trouble.NOT_TOUCHED, operator=operator)


def _say(alarm: Alarm) -> str:
    told = f"{alarm.operator}: {SENTENCES[alarm.trouble]}"
    if not alarm.first:
        return told
    span = f"{alarm.first}" if alarm.first == alarm.last else f"{alarm.first} to {alarm.last}"
    which = f", delivery {alarm.sequence}" if alarm.trouble is Trouble.PARTS_MISSING else ""
    return f"{told}: {alarm.flow}, subscription {alarm.subscription}{which}: {span}"


def _again(settings: Settings, _arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        collection = collection_of(installation, box_of(settings))
        since = installation.clock() - timedelta(days=KEPT_DAYS)
        taken = 0
        for collected in take_again(collection, since):
            print(_line(collected))
            taken += 1
        left = Counter(one.state for one in installation.arrivals.since(since))[State.PARKED]
    print(f"{taken} taken in, {left} still parked")
    return 0


def _show_parked(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        content = parked_content(installation.services, arguments.delivery)
    write_durably(arguments.output, content)
    print(f"{len(content)} bytes written to {arguments.output}: remove it when you have done")
    return 0
