"""What joins an operator's codec to the use cases: one function for each operator."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.codec import read
from adapters.dso.enedis.crypto import Keyring, parse_keyring
from adapters.dso.enedis.file import HDM, R151
from adapters.dso.refusal import FileRefused
from application.ingesting import Source, Told, Unreadable
from domain.values import Channel, Fluid

if TYPE_CHECKING:
    from pathlib import Path

    from metroledger.settings import Settings

ENEDIS: Final = "enedis"


def enedis(keyring: Keyring) -> Source:
    """Return Enedis's files as they come over SGE, opened with the keys of a keyring."""
    return Source(
        operator=ENEDIS,
        channel=Channel.SGE,
        fluid=Fluid.ELECTRICITY,
        codec=partial(_read_enedis, keyring),
        flow_of=lambda name: HDM if name.lower().endswith(".csv") else R151,
    )


def keyring_of(settings: Settings, path: Path | None = None) -> Keyring:
    """Return Enedis's decryption keys: of a file, or of the home directory; maybe none."""
    place = path or settings.operator_keys / f"{ENEDIS}.json"
    if path is None and not place.exists():
        return Keyring(keys=())
    return parse_keyring(place.read_text("utf-8"))


def _read_enedis(keyring: Keyring, name: str, content: bytes) -> Told | Unreadable:
    try:
        file = read(name, content, keyring)
    except FileRefused as refused:
        return Unreadable(reason=refused.code.value)
    counts = file.document.counts
    beside = (("blank", counts.blank), ("repeated", counts.repeated))
    return Told(
        flow=file.document.flow,
        rows=[row.form for row in file.document.rows],
        counts={name: count for name, count in beside if count},
    )
