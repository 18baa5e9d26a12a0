"""A consent's readings as projections keep them: packed, each with its place in the ledger.

A page is a month of them, as one sealed MessagePack array. What was packed when it was
taken in is kept as it is, so a page says exactly what the log says, and is found to be
equal whoever built it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import msgspec

from domain.aggregates.reading import Taken
from domain.events.reading import IndexReceived
from domain.values import civil_day, midnight
from keys import sealing
from keys.redaction import missing
from ledger.readings import first_day
from projections.store import Page, Sealed, Slip
from schemas.packing import seconds_of_index, unpack
from schemas.packing_words import ODD_INSTANT
from schemas.registry import KIND_OF, reading_type

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from domain.events.reading import Reading
    from keys.key import Key

INDEX: Final = KIND_OF[IndexReceived]
_PAGE: Final = b"metroledger/page/v1\0"
_INSTANTS_REMEMBERED: Final = 16_384
_UNKNOWN_DELIVERY: Final = UUID(int=0)
"""Pages do not say which delivery brought a reading; its order in the ledger tells them apart."""


class Entry(NamedTuple):
    """One reading: its order in the ledger, when it was received, its kind, its packed bytes.

    `leaf` is its delivery's leaf in the tree, `place` its place in the delivery;
    `received_s` counts seconds since 1970.
    """

    leaf: int
    place: int
    received_s: int
    kind: int
    packed: bytes

    @property
    def reading(self) -> Reading:
        """What the meter said."""
        return unpack(self.kind, self.packed)

    @property
    def received_at(self) -> datetime:
        """When it was received."""
        return datetime.fromtimestamp(self.received_s, UTC)

    @property
    def taken(self) -> Taken:
        """The same as the domain's fold of a series takes it."""
        return Taken(
            order=(self.leaf, self.place),
            delivery=_UNKNOWN_DELIVERY,
            received_at=self.received_at,
            reading=self.reading,
        )


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Entry])


def month_of(entry: Entry) -> date:
    """Return the first day of the month whose page holds a reading: that of its start."""
    second = seconds_of_index(entry.packed) if entry.kind == INDEX else ODD_INSTANT
    day = first_day(entry.reading) if second == ODD_INSTANT else day_at(second)[0]
    return day.replace(day=1)


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def day_at(second: int) -> tuple[date, bool]:
    """Return the day in Paris that holds an instant, and whether it begins there."""
    day = civil_day(datetime.fromtimestamp(second, UTC))
    return day, midnight(day).timestamp() == second


def open_slips(
    slips: Iterable[Slip], keys: Mapping[UUID, Key], ordered: Container[UUID]
) -> list[Entry]:
    """Open slips with the keys fetched for them; what was erased on order is left out.

    Raises `KeyMissing` for a key that is gone without an order, `SealBroken`. That the
    payload is what its leaf commits to is for the audit to say: it was sealed together
    with its leaf by whoever had the key.
    """
    entries = []
    living = {one.bytes: sealing.opening(key) for one, key in keys.items()}
    for slip in slips:
        opened = living.get(slip.key)
        kind = slip.reading_leaf[0]
        if opened is None:
            missing(reading_type(kind).TOPIC, UUID(bytes=slip.key), ordered)
            continue
        packed = opened(slip.sealed, slip.reading_leaf)
        received = int(slip.received_at.timestamp())
        entries.append(Entry(slip.leaf, slip.place, received, kind, packed))
    return entries


def seal_page(
    consent: UUID, month: date, key: Key, entries: Iterable[Entry], figures: bytes
) -> Page:
    """Seal a month of a consent's readings, in their order, as one page with its figures."""
    content = sealing.seal(key, _encoder.encode(sorted(entries)), _binding(consent, month))
    return Page(consent, month, Sealed(key.id, content), figures)


def open_pages(
    pages: Iterable[Page], keys: Mapping[UUID, Key], ordered: Container[UUID]
) -> list[Entry]:
    """Open pages with the keys fetched for them; what was erased on order is left out."""
    entries: list[Entry] = []
    for page in pages:
        key = keys.get(page.sealed.key)
        if key is None:
            missing("page", page.sealed.key, ordered)
            continue
        content = sealing.open(key, page.sealed.content, _binding(page.consent, page.month))
        entries += _decoder.decode(content)
    return entries


def _binding(consent: UUID, month: date) -> bytes:
    return _PAGE + consent.bytes + month.isoformat().encode()
