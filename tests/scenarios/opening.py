"""All that the present keys open in an installation, as text, by the place where it lies.

What a search of the bytes cannot see, because it is sealed: before an erasure each fact must be
in here, after it none, but where a file has its own days to live.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.dso.enedis.archive import chunks, open_archive
from adapters.dso.enedis.crypto import decrypt
from adapters.mail.outbox import Outbox
from application.notices import told_of
from application.parking import parked_content
from domain.errors import MetroledgerError
from keys import index
from keys.redaction import Redacted
from ledger.frames import open_event
from ledger.readings import key_ids, open_readings
from metroledger.operators import keyring_of
from replay.refold import Refold
from schemas.private import NO_KEY, decode_private
from tests.application.world import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.record import Frame
    from metroledger.bootstrap import Installation

OUTBOX, PARKED, DROPBOX, NOTICES = "outbox", "parked", "drop box", "notices"
OWN_DAYS: Final = frozenset({OUTBOX, PARKED, DROPBOX, NOTICES})
"""Where things have days of their own, which the certificate and the manual state."""


def opened_texts(installation: Installation) -> dict[str, str]:
    """Return what opens, by place: "log", "shown", "index", and those of `OWN_DAYS`."""
    places = {
        "log": _logged,
        "shown": _shown,
        "index": _indexed,
        OUTBOX: _letters,
        PARKED: _parked,
        DROPBOX: _dropped,
        NOTICES: _noticed,
    }
    return {place: "\n".join(texts(installation)) for place, texts in places.items()}


class _Whatever:
    """Every key may be gone: what is missing is told as redacted, ordered or not."""

    def __contains__(self, _: object) -> bool:
        return True


def _logged(installation: Installation) -> Iterator[str]:
    for replayed in Refold(installation.log, ORIGIN).commits():
        digest = hashlib.sha256(replayed.record.header_bytes).digest()
        for frame in replayed.record.frames:
            yield from _frame(installation, digest, frame)


def _frame(installation: Installation, digest: bytes, frame: Frame) -> Iterator[str]:
    private, whatever = decode_private(frame.private), _Whatever()
    keys = installation.keys.fetch({private.key} - {NO_KEY})
    event = open_event(frame, digest, keys, whatever).event
    if not isinstance(event, Redacted):
        yield repr(event)
    if frame.readings is not None:
        ids = key_ids(frame.readings, private.extra)
        living = installation.keys.fetch(set(ids))
        places = range(len(frame.readings))
        for one in open_readings(frame.readings, ids, places, living, whatever):
            if not isinstance(one.reading, Redacted):
                yield repr(one.reading)


def _shown(installation: Installation) -> Iterator[str]:
    shown = installation.shown
    for account, _ in shown.store.everything():
        yield from map(repr, shown.standing_of([account]).values())
    for consent in shown.store.consents():
        try:
            yield from map(repr, shown.entries(consent))
        except MetroledgerError:
            yield "a key is missing"


def _indexed(installation: Installation) -> Iterator[str]:
    return (value for kind, value in _rows(installation) if kind is not index.Kind.NOTICE)


def _noticed(installation: Installation) -> Iterator[str]:
    """What notices say, and what leads to them: both are theirs, and go with them."""
    yield from (value for kind, value in _rows(installation) if kind is index.Kind.NOTICE)
    directory = installation.settings.notices
    for path in sorted(directory.iterdir()) if directory.exists() else ():
        yield repr(told_of(installation.services, UUID(path.name)))


def _rows(installation: Installation) -> Iterator[tuple[index.Kind, str]]:
    with installation.keys._gate.reading() as tx:
        for row in tx.connection.execute(index._COLUMNS + "true").fetchall():
            content = index._content(tx, row)[16:]
            yield index.Kind(content[0]), content[1:].decode()


def _letters(installation: Installation) -> Iterator[str]:
    outbox = Outbox(installation.settings.outbox, "nobody@example.org")
    for letter in map(outbox.read, outbox.waiting()):
        yield f"{letter['To']}\n{letter.get_content()}"


def _parked(installation: Installation) -> Iterator[str]:
    directory = installation.settings.parked
    for path in sorted(directory.iterdir()) if directory.exists() else ():
        yield parked_content(installation.services, UUID(path.name)).decode("utf-8", "replace")


def _dropped(installation: Installation) -> Iterator[str]:
    keyring = keyring_of(installation.settings)
    for path in sorted(installation.settings.dropbox.place.rglob("*")):
        if path.is_file() and path.parent.parent.name in {"incoming", "kept"}:
            archive = open_archive(decrypt(path.read_bytes(), keyring).plaintext)
            yield b"".join(chunks(archive)).decode()
