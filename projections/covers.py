"""Of each account, what a delivery decides on: its consents to collect, and nothing else.

Less than the account's standing, sealed beside it under the same key and made from it
alone, so that a file of 3,000 meters is decided with one small page a meter.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from domain.aggregates.collection import CollectionStatus
from domain.aggregates.consent import ConsentStatus
from domain.aggregates.meter import powers
from domain.values import Category, Channel

if TYPE_CHECKING:
    from projections.standing import Standing


class Collecting(msgspec.Struct, frozen=True, array_like=True):
    """A collection over a channel: its stream and version, and where it stands."""

    stream: bytes
    version: int
    status: CollectionStatus
    started_at: datetime | None


class Cover(msgspec.Struct, frozen=True, array_like=True):
    """A consent that lives on a declared meter; ids are 16 bytes.

    `powers` are the meter's in kVA, each with the day it holds from.
    """

    meter: bytes
    consent: bytes
    version: int
    recipient: str
    operator: str
    number: str
    category: Category
    status: ConsentStatus
    granted_at: datetime
    first_data_day: date
    last_day: date | None
    powers: tuple[tuple[date, int], ...]
    collections: dict[Channel, Collecting]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Cover])


def covers_of(standing: Standing) -> list[Cover]:
    """Return the covers of an account, meter by meter, in the order of their grants."""
    collections: dict[bytes, dict[Channel, Collecting]] = {}
    for stream, running in standing.collections.items():
        state = running.state
        if state.consent is not None and state.channel is not None:
            collections.setdefault(state.consent.bytes, {})[state.channel] = Collecting(
                stream.bytes, running.version, state.status, state.started_at
            )
    covers = []
    for meter, placed in standing.meters.items():
        said = powers(placed.state)
        for attached in placed.state.attached:
            consent = standing.consents.get(attached.consent)
            granted = consent.state.granted if consent else None
            if consent is None or granted is None:
                continue
            covers.append(
                Cover(
                    meter=meter.bytes,
                    consent=attached.consent.bytes,
                    version=consent.version,
                    recipient=granted.recipient,
                    operator=granted.operator,
                    number=granted.number,
                    category=granted.category,
                    status=consent.state.status,
                    granted_at=granted.granted_at,
                    first_data_day=granted.first_data_day,
                    last_day=consent.state.last_day,
                    powers=said,
                    collections=collections.get(attached.consent.bytes, {}),
                )
            )
    return covers


def encode(covers: list[Cover]) -> bytes:
    """Return covers' bytes, to be sealed."""
    return _encoder.encode(covers)


def decode(encoded: bytes) -> list[Cover]:
    """Return the covers of opened bytes."""
    return _decoder.decode(encoded)
