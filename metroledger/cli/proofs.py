"""Commands on proofs: give a receipt, verify one offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from application.receipts import Press, consent_receipt, reading_receipt
from domain.errors import MetroledgerError
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, identifier
from proofs.receipt import Proven, verify_receipt
from proofs.signing import Verifier

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    receipt = command(commands, "receipt", _receipt, "Give the receipt of a consent or a reading.")
    receipt.add_argument("consent", type=identifier)
    receipt.add_argument("--reading", type=int, help="of this reading instead, from 0")
    receipt.add_argument("--groups", nargs="+", help="open only these groups of the consent")
    receipt.add_argument("--output", type=Path, required=True, help="file to write (.tlog-proof)")
    verify = command(commands, "verify", _verify, "Verify a receipt, offline.")
    verify.add_argument("file", type=Path)
    verify.add_argument("--key", type=Path, help="the log's public key; else the home directory's")


def _receipt(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        press = Press(publisher=installation.publisher, tiles=settings.tiles)
        services = installation.services
        if arguments.reading is None:
            data = consent_receipt(services, press, arguments.consent, groups=arguments.groups)
        else:
            data = reading_receipt(services, press, arguments.consent, arguments.reading)
    arguments.output.write_bytes(data)
    print(f"receipt in {arguments.output}; whoever holds it can verify it for ever, offline")
    return 0


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    path = arguments.key or settings.verifying_key
    try:
        verifier = Verifier.decode(path.read_text("ascii").strip())
        data = arguments.file.read_bytes()
    except (OSError, MetroledgerError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else error
        print(f"COULD NOT TELL: {reason}", file=sys.stderr)
        print("give the file, and --key the log's public key as you got it from the metropolis")
        return 2
    try:
        proven = verify_receipt(data, [verifier])
    except MetroledgerError as error:
        print(f"REFUTED: {error}", file=sys.stderr)
        return 1
    _print(proven)
    return 0


def _print(proven: Proven) -> None:
    checkpoint = proven.signed.checkpoint
    entry = proven.content.entry
    print("VERIFIED")
    print(f"  the log {checkpoint.origin} holds this entry at leaf {proven.index}")
    print(f"  of the {checkpoint.size} leaves of its signed checkpoint:")
    print(f"    {entry['type']} in the hour {entry['hour']}")
    for name in ("consent", "category", "last_day"):
        if name in entry:
            print(f"    {name.replace('_', ' ')}: {entry[name]}")
    reading = proven.content.reading
    if reading is not None:
        print(f"    and, in this delivery, {reading.type} under consent {reading.consent}")
    for group, value in proven.content.disclosed.items():
        print(f"  disclosed, and committed to then: {group} {_plain(value)}")
    for gap in proven.not_proven:
        print(f"  not proven: {gap}")


def _plain(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return json.dumps(value, ensure_ascii=False, default=dict)
