"""Commands on proofs: give a receipt; verify one, or a certificate, offline."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.http.pages.certificate import verify_page
from application.receipts import Press, consent_receipt, reading_receipt
from domain.errors import MetroledgerError
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, identifier
from proofs.certificate import Certified, verify_certificate
from proofs.receipt import Proven, verify_receipt
from proofs.signing import Verifier
from proofs.texts import encode_base64url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from metroledger.settings import Settings
    from proofs.canonical import Json

_PAGE, _JSON = b"<!DOCTYPE html>", b"{"


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    receipt = command(commands, "receipt", _receipt, "Give the receipt of a consent or a reading.")
    receipt.add_argument("consent", type=identifier)
    receipt.add_argument("--reading", type=int, help="of this reading instead, from 0")
    receipt.add_argument("--groups", nargs="+", help="open only these groups of the consent")
    receipt.add_argument("--output", type=Path, required=True, help="file to write (.tlog-proof)")
    verify = command(commands, "verify", _verify, "Verify a receipt or a certificate, offline.")
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
    print(f"receipt written to {arguments.output}: whoever holds it can verify it, offline")
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
        proven = _proven(data, verifier)
    except MetroledgerError as error:
        print(f"REFUTED: {error}", file=sys.stderr)
        return 1
    if isinstance(proven, Certified):
        _print_certificate(proven)
    else:
        _print_receipt(proven)
    print("not proven:")
    for gap in proven.not_proven:
        print(f"  {gap}")
    return 0


def _proven(data: bytes, verifier: Verifier) -> Proven | Certified:
    """Verify a file by what it begins with: a page, JSON, or a receipt."""
    if data.startswith(_PAGE):
        return verify_page(data, [verifier])
    if data.startswith(_JSON):
        return verify_certificate(data, [verifier])
    return verify_receipt(data, [verifier])


def _print_certificate(proven: Certified) -> None:
    checkpoint, (*_, last) = proven.signed.checkpoint, proven.certificate.steps
    print(f"VERIFIED offline, with the public key of {checkpoint.origin}")
    print("proven:")
    print(
        f"  the log holds the end of this destruction: leaf {last.index} of the {checkpoint.size} "
        "that it signed"
    )
    for name, value in proven.says.items():
        for line in _plain(name, value):
            print(f"    {line}")
    for one in proven.certificate.fingerprints:
        print(f"    fingerprint: {encode_base64url(one)}")


def _print_receipt(proven: Proven) -> None:
    checkpoint, content = proven.signed.checkpoint, proven.content
    print(f"VERIFIED offline, with the public key of {checkpoint.origin}")
    print("proven:")
    print(
        f"  the log holds this entry, leaf {proven.index} of the {checkpoint.size} that it signed:"
    )
    print(f"    {content.entry['type']}, in the hour {content.entry['hour']} by the log's clock")
    for name in ("consent", "category", "last_day"):
        if name in content.entry:
            print(f"    {name.replace('_', ' ')}: {content.entry[name]}")
    if content.reading is not None:
        print("  the delivery it records holds this reading:")
        print(f"    {content.reading.type}, under consent {content.reading.consent}")
    if content.disclosed:
        print("  the log was bound to these words when it wrote the entry:")
    for group, value in content.disclosed.items():
        for line in _plain(group, value):
            print(f"    {line}")


def _plain(name: str, value: Json) -> Iterator[str]:
    """Yield a disclosed group a line a value, nested names joined by dots; absent ones left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _plain(f"{name}.{key}" if key != name else name, inner)
    elif isinstance(value, list | tuple):
        for item in value:
            words = item.items() if isinstance(item, Mapping) else [("", item)]
            yield f"{name}: " + ", ".join(f"{k} {v}".strip() for k, v in words if v is not None)
    elif value is not None:
        yield f"{name}: {value}"
