"""Commands on operators' files: say what one holds, take them in, keep their keys."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.codec import describe, read
from adapters.dso.enedis.crypto import Keyring, parse_keyring
from adapters.dso.enedis.file import HDM, R151
from adapters.dso.refusal import Code, FileRefused
from application.deliveries import Incoming, Outcome, Result, content_digest, park, take_in
from domain.values import Channel, Fluid
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, print_json

if TYPE_CHECKING:
    import argparse

    from application.services import Services
    from metroledger.settings import Settings

OPERATOR: Final = "enedis"
_UNDECRYPTED: Final = frozenset({Code.NO_KEY_FITS, Code.TRUNCATED_CIPHER})


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    inspect = command(
        commands, "inspect", _inspect, "Say what a file of Enedis holds (JSON lines)."
    )
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--keys", type=Path, help="keyring file; else the home directory's")
    ingest = command(commands, "ingest", _ingest, "Take files of Enedis in.")
    ingest.add_argument("files", type=Path, nargs="+", metavar="FILE")
    ingest.add_argument("--attempt", type=int, default=0, help="raise to take one in again")
    ingest.add_argument("--json", action="store_true", help="one JSON line a file")


def keyring_of(settings: Settings, path: Path | None = None) -> Keyring:
    """Return Enedis's decryption keys: of a file, or of the home directory; maybe none."""
    place = path or settings.operator_keys / f"{OPERATOR}.json"
    if path is None and not place.exists():
        return Keyring(keys=())
    return parse_keyring(place.read_text("utf-8"))


def _inspect(settings: Settings, arguments: argparse.Namespace) -> int:
    keyring = keyring_of(settings, arguments.keys)
    file = read(arguments.file.name, arguments.file.read_bytes(), keyring)
    for line in describe(file):
        print_json(line)
    return 0


def _ingest(settings: Settings, arguments: argparse.Namespace) -> int:
    keyring = keyring_of(settings)
    failed: Counter[str] = Counter()
    with open_ledger(settings) as installation:
        for path in arguments.files:
            outcome = ingest_file(installation.services, keyring, path, arguments.attempt)
            if outcome.result in {Result.PARKED, Result.ALREADY_PARKED}:
                failed.update(outcome.counts)
            _print(path, outcome, as_json=arguments.json)
    undecrypted = sum(failed[code] for code in _UNDECRYPTED)
    if undecrypted == len(arguments.files):
        keys = settings.operator_keys / f"{OPERATOR}.json"
        print(
            f"metroledger: {undecrypted} files given and NOTHING DECRYPTED: no key in "
            f"{keys} fits; ask Enedis for the present key, "
            "add it, and ingest the files again with --attempt 1",
            file=sys.stderr,
        )
    return 1 if failed else 0


def ingest_file(services: Services, keyring: Keyring, path: Path, attempt: int = 0) -> Outcome:
    """Take one file in, or park it with its reason."""
    content = path.read_bytes()
    flow = HDM if path.name.lower().endswith(".csv") else R151
    base = Incoming(
        operator=OPERATOR,
        channel=Channel.SGE,
        flow=flow,
        fluid=Fluid.ELECTRICITY,
        digest=content_digest(content),
        rows=(),
        attempt=attempt,
    )
    try:
        file = read(path.name, content, keyring)
    except FileRefused as refused:
        return park(services, base, content, refused.code.value)
    counts = file.document.counts
    incoming = Incoming(
        operator=OPERATOR,
        channel=Channel.SGE,
        flow=file.document.flow,
        fluid=Fluid.ELECTRICITY,
        digest=base.digest,
        rows=[(row.number, row.reading) for row in file.document.rows],
        counts={
            name: count
            for name, count in (("blank", counts.blank), ("repeated", counts.repeated))
            if count
        },
        attempt=attempt,
    )
    return take_in(services, incoming)


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
    print(f"{path.name}: {outcome.result.value.replace('_', ' ')}, delivery {outcome.id}")
    for reason, count in sorted(outcome.counts.items()):
        print(f"  {count:>6} {reason.replace('_', ' ')}")
    for point, ends in outcome.rows.items():
        what = ", ".join(f"{count} {end.replace('_', ' ')}" for end, count in sorted(ends.items()))
        print(f"  point …{point[-4:]}: {what}")
