"""Commands on operators' files: say what one holds, take them in, keep their keys."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.codec import describe, read
from adapters.dso.enedis.crypto import parse_keyring
from application.collecting import ACCEPTED, UNKNOWN_POINT
from application.deliveries import Outcome, Result
from application.ingesting import ingest
from application.parking import drop_expired
from domain.policies.coverage import Uncovered
from keys.files import write_durably
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, group, print_json
from metroledger.operators import ENEDIS, UNOPENED, enedis, keyring_of
from metroledger.settings import read_identity

if TYPE_CHECKING:
    from adapters.dso.enedis.crypto import Keyring
    from application.services import Services
    from metroledger.settings import Settings

SENTENCES: Final = {
    Result.TAKEN_IN: "read to its end, valid, and taken in; its values:",
    Result.ALREADY_TAKEN_IN: "was taken in before: nothing changes",
    Result.PARKED: "PARKED, sealed: it cannot be read, and nothing of it was taken in",
    Result.ALREADY_PARKED: "was parked before: nothing changes",
}
WORDS: Final = {
    ACCEPTED: "taken in",
    Uncovered.NO_CONSENT: "refused: no consent in force covers this kind of data",
    Uncovered.CONSENT_ENDED: "refused: the consent was withdrawn",
    Uncovered.CONSENT_EXPIRED: "refused: the consent has expired",
    Uncovered.OUTSIDE_PERIMETER: "refused: measured before the first day that was agreed to",
    Uncovered.PAST_RETENTION: "refused: of a year that is not kept any more",
    Uncovered.OUTSIDE_SCOPE: "refused: outside what was agreed to",
    Uncovered.ANOTHER_POINT: "refused: another meter than the consent's",
    Uncovered.NO_AGREEMENT: "refused: no agreement with the operator is in force",
    Uncovered.NOT_IN_AGREEMENT: "refused: not in the agreement with the operator",
    Uncovered.NO_COLLECTION: "refused: nothing is collected over this channel",
    Uncovered.COLLECTION_SUSPENDED: "refused: the collection is suspended",
    Uncovered.ABOVE_36_KVA: "refused: above 36 kVA, not by this channel",
    UNKNOWN_POINT: "dropped: nobody here declared the meter",
    "blank": "without a value: not measured",
    "repeated": "repeated in the file: kept once",
}
"""What became of a value, in the order in which it is told."""


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    inspect = command(
        commands, "inspect", _inspect, "Say what a file of Enedis holds (JSON lines)."
    )
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--keys", type=Path, help="keyring file; else the home directory's")
    taking = command(commands, "ingest", _ingest, "Take files of Enedis in, each whole or not.")
    taking.add_argument("files", type=Path, nargs="+", metavar="FILE")
    taking.add_argument("--attempt", type=attempt, default=0, help="raise to take one in again")
    taking.add_argument("--json", action="store_true", help="one JSON line a file")
    operators = group(commands, "operator", "What operators gave us, such as decryption keys.")
    keys = command(operators, "keys", _keep_keys, "Keep the keys that Enedis encrypts files with.")
    keys.add_argument("file", type=Path, help="keyring file (JSON); the present key stands first")


def attempt(text: str) -> int:
    """Read which attempt this is, from 0."""
    if not text.isdecimal() or int(text) >= 1 << 32:
        message = "an attempt is a number from 0"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _inspect(settings: Settings, arguments: argparse.Namespace) -> int:
    keyring = keyring_of(settings, arguments.keys)
    file = read(arguments.file.name, arguments.file.read_bytes(), keyring)
    for line in describe(file):
        print_json(line)
    return 0


def _keep_keys(settings: Settings, arguments: argparse.Namespace) -> int:
    text = arguments.file.read_text("utf-8")
    keyring = parse_keyring(text)
    read_identity(settings)  # no directory is made where no ledger is
    place = settings.operator_keys / f"{ENEDIS}.json"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(place, text.encode())
    names = ", ".join(f"{key.name} ({key.algorithm.value})" for key in keyring.keys)
    print(f"keys of {ENEDIS} kept, tried in this order: {names or 'none'}")
    return 0


def _ingest(settings: Settings, arguments: argparse.Namespace) -> int:
    keyring = keyring_of(settings)
    failed: Counter[str] = Counter()
    with open_ledger(settings) as installation:
        drop_expired(installation.services)
        for path in arguments.files:
            outcome = ingest_file(installation.services, keyring, path, arguments.attempt)
            if outcome.result in {Result.PARKED, Result.ALREADY_PARKED}:
                failed.update(outcome.counts)
            _print(path, outcome, as_json=arguments.json)
    undecrypted = sum(failed[code] for code in UNOPENED)
    if undecrypted == len(arguments.files):
        keys = settings.operator_keys / f"{ENEDIS}.json"
        print(
            f"metroledger: {undecrypted} files given and NOTHING DECRYPTED: no key in "
            f"{keys} fits; ask Enedis for the present key, "
            "add it, and ingest the files again with --attempt 1",
            file=sys.stderr,
        )
    return 1 if failed else 0


def ingest_file(services: Services, keyring: Keyring, path: Path, number: int = 0) -> Outcome:
    """Take one file of Enedis in, or park it with its reason."""
    return ingest(services, enedis(keyring), path.name, path.read_bytes(), number)


def _print(path: Path, outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "file": path.name,
                "delivery": str(outcome.id),
                "result": outcome.result.value,
                "counts": outcome.counts,
                "points": [dict(ends) for ends in outcome.rows.values()],
            }
        )
        return
    print(f"{path.name}\n  delivery {outcome.id}")
    print(f"  {SENTENCES[outcome.result]}")
    if outcome.result is Result.PARKED:
        print(f"  reason: {', '.join(outcome.counts).replace('_', ' ')}")
    elif outcome.result is Result.TAKEN_IN:
        _print_counts(outcome)


def _print_counts(outcome: Outcome) -> None:
    for reason, words in WORDS.items():
        if count := outcome.counts.get(reason):
            print(f"  {count:>6} {words}")
    rows = outcome.rows
    for point, ends in rows.items():
        if set(ends) != {UNKNOWN_POINT}:
            taken = ends[ACCEPTED]
            print(f"  meter …{point[-4:]}: {taken} taken in, {ends.total() - taken} refused")
    strangers = sum(set(ends) == {UNKNOWN_POINT} for ends in rows.values())
    if strangers:
        print(f"  other meters: {strangers}; nothing of them is kept, not even their numbers")
