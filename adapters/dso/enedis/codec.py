"""Bytes of an SGE file in, readings out: `read`, and `describe` for people.

Pure: no file is opened, no clock is read. What a file *is* is told by its bytes,
for people rename files; its name is read where it follows a grammar, and then the
two must not contradict each other. A file may be encrypted, a plain zip, or a
plain document; it is read to its end and found valid, or it is refused whole.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from adapters.dso.enedis import historic, usual
from adapters.dso.enedis.archive import CHUNK, LARGEST_BYTES, chunks, open_archive
from adapters.dso.enedis.crypto import ZIP_SIGNATURE, decrypt
from adapters.dso.enedis.file import R151, EnedisFile, R151Header
from adapters.dso.enedis.names import HistoricName, SubscriptionName, base_name, parse_name
from adapters.dso.refusal import Code, FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.dso.enedis.archive import Entry
    from adapters.dso.enedis.crypto import Keyring
    from adapters.dso.enedis.file import Document
    from adapters.dso.enedis.names import Name

_BOM: Final = b"\xef\xbb\xbf"
_XML_STARTS: Final = (b"<?xml", b"<R151", b"<!DOCTYPE", b"<!--", _BOM + b"<")
_CSV_STARTS: Final = (historic.START.encode(), _BOM + historic.START.encode())
"""Long enough that no ciphertext begins so: the shortest would by chance once in 2^32."""


class WrongFile(FileRefused):
    """The file as a whole is not one: empty, too large, or named for something else."""


def read(name: str, content: bytes, keyring: Keyring) -> EnedisFile:
    """Return what a file says; raise a `FileRefused`, with its `code`, when it is not one.

    `name` is the file's name without directories.
    """
    if not content:
        raise WrongFile(Code.EMPTY, "the file has no bytes")
    if len(content) > LARGEST_BYTES:
        raise WrongFile(Code.TOO_LARGE, f"the file is longer than {LARGEST_BYTES} bytes")
    parsed = parse_name(name)
    if content.startswith((*_XML_STARTS, *_CSV_STARTS)):
        plain_csv = content.startswith(_CSV_STARTS)
        document = _document(_slices(content), csv=plain_csv)
        return _checked(EnedisFile(name=parsed, key=None, document=document))
    opened = None if content.startswith(ZIP_SIGNATURE) else decrypt(content, keyring)
    entry = open_archive(opened.plaintext if opened else content)
    parsed = _check_entry(name, parsed, entry)
    document = _document(chunks(entry), csv=entry.name.endswith(".csv"))
    return _checked(EnedisFile(name=parsed, key=opened.key if opened else None, document=document))


def differences(file: EnedisFile) -> tuple[str, ...]:
    """Return what the file's name says otherwise than its header: "recipient" and the like."""
    header, name = file.document.header, file.name
    if not isinstance(header, R151Header) or not isinstance(name, SubscriptionName):
        return ()
    fields = ("recipient", "contract", "subscription")
    return tuple(field for field in fields if getattr(name, field) != getattr(header, field))


def describe(file: EnedisFile) -> Iterator[dict[str, object]]:
    """Yield JSON objects: first the file, then each of its readings, in its order."""
    yield {
        "flow": file.document.flow,
        "name": asdict(file.name) if file.name else None,
        "key": file.key,
        "header": _plain(asdict(file.document.header)),
        "differences": list(differences(file)),
        "readings": len(file.document.rows),
        **asdict(file.document.counts),
    }
    for row in file.document.rows:
        yield {
            "position": row.position,
            "type": type(row.reading).TOPIC,
            **msgspec.to_builtins(row.reading),
        }


def _document(pieces: Iterable[bytes], *, csv: bool) -> Document:
    return historic.parse(pieces) if csv else usual.parse(pieces)


def _slices(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), CHUNK):
        yield content[at : at + CHUNK]


def _check_entry(name: str, parsed: Name | None, entry: Entry) -> Name | None:
    """Return the name that counts: the file's, or its document's when the file was renamed."""
    if not entry.name.endswith((".xml", ".csv")):
        raise WrongFile(Code.ENTRY_NAME, "the zip holds neither XML nor CSV")
    if base_name(entry.name) == base_name(name):
        return parsed
    within = parse_name(entry.name)
    if parsed is not None or within is None:
        raise WrongFile(Code.ENTRY_NAME, "the zip's document does not bear the zip's name")
    return within


def _checked(file: EnedisFile) -> EnedisFile:
    kinds = (SubscriptionName,) if file.document.flow == R151 else (HistoricName,)
    if file.name is not None and not isinstance(file.name, kinds):
        raise WrongFile(Code.NAME, f"the file is named for another flow than {file.document.flow}")
    return file


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value
