"""What joins an operator's codec to the use cases: one function for each operator."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.codec import read
from adapters.dso.enedis.crypto import Keyring, parse_keyring
from adapters.dso.enedis.file import HDM, R151
from adapters.dso.enedis.names import SubscriptionName, is_companion, parse_name
from adapters.dso.refusal import Code, FileRefused
from application.arrivals import Slot
from application.collection_run import Intake
from application.ingesting import Source, Told, Unreadable
from domain.values import Channel, Fluid

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.settings import Settings

ENEDIS: Final = "enedis"

UNOPENED: Final = frozenset({Code.NO_KEY_FITS.value, Code.TRUNCATED_CIPHER.value})
"""Why a file is parked when no key of ours opens it."""


def enedis(keyring: Keyring) -> Source:
    """Return Enedis's files as they come over SGE, opened with the keys of a keyring."""
    return Source(
        operator=ENEDIS,
        channel=Channel.SGE,
        fluid=Fluid.ELECTRICITY,
        codec=partial(_read_enedis, keyring),
        flow_of=lambda name: HDM if name.lower().endswith(".csv") else R151,
    )


def enedis_intake(keyring: Keyring) -> Intake:
    """Return how what Enedis delivers by itself is taken in: under its own names only.

    Where there are keys, under one of them only: whoever can merely write into the drop box
    must not make readings. A plain file is parked, and `ingest` takes it in on purpose.
    """
    source = enedis(keyring)
    return Intake(
        source=replace(source, codec=partial(_read_delivered, keyring)),
        anyhow=replace(source, codec=partial(_read_locked, keyring)),
        slot_of=slot_of,
        is_companion=is_companion,
    )


def slot_of(name: str) -> Slot | None:
    """Return which file of which delivery a name says, None when it says none."""
    said = parse_name(name)
    if not isinstance(said, SubscriptionName):
        return None
    return Slot(
        flow=said.flow,
        subscription=said.subscription,
        made=said.stamp,
        sequence=said.sequence,
        part=said.part,
        parts=said.parts,
    )


def keyring_of(settings: Settings, path: Path | None = None) -> Keyring:
    """Return Enedis's decryption keys: of a file, or of the home directory; maybe none."""
    place = path or settings.operator_keys / f"{ENEDIS}.json"
    if path is None and not place.exists():
        return Keyring(keys=())
    return parse_keyring(place.read_text("utf-8"))


def _read_delivered(keyring: Keyring, name: str, content: bytes) -> Told | Unreadable:
    if parse_name(name) is None:
        return Unreadable(reason=Code.FOREIGN_NAME.value)
    return _read_locked(keyring, name, content)


def _read_locked(keyring: Keyring, name: str, content: bytes) -> Told | Unreadable:
    return _read_enedis(keyring, name, content, locked=bool(keyring.keys))


def _read_enedis(
    keyring: Keyring, name: str, content: bytes, *, locked: bool = False
) -> Told | Unreadable:
    try:
        file = read(name, content, keyring)
    except FileRefused as refused:
        return Unreadable(reason=refused.code.value)
    if locked and file.key is None:
        return Unreadable(reason=Code.NOT_ENCRYPTED.value)
    counts = file.document.counts
    beside = (("blank", counts.blank), ("repeated", counts.repeated))
    return Told(
        flow=file.document.flow,
        rows=[row.form for row in file.document.rows],
        counts={name: count for name, count in beside if count},
    )
