"""Delivery records as `take_in` makes them, for benchmarks that begin after the sealing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.sealing import DeliveryFrame, propose_delivery
from application.services import new_id
from application.transact import Loaded, Loading
from domain.events import Change
from domain.events.delivery import DeliveryReceived
from domain.events.reading import IndexReceived, Register
from domain.values import Channel, Direction
from keys.names import KeyName, Purpose
from ledger.readings import row_of, seal_readings
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64

if TYPE_CHECKING:
    from keys.key import Key
    from metroledger.bootstrap import Installation

METERS: Final = 3_000
FILES: Final = 20


def _reading(meter: int, day: int) -> IndexReceived:
    slots = ("HCB", "HPB", "HCH", "HPH", "BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP")
    return IndexReceived(
        number=str(10**13 + meter),
        at=datetime(2026, 1, 1, 23, tzinfo=UTC) + timedelta(days=day),
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference="M02SXIXD",
        registers=tuple(
            Register(
                grid="distributor" if place < 4 else "supplier",
                calendar="DI000003" if place < 4 else "FC000123",
                slot=slot,
                rank=place + 1,
                value_wh=1_000_000 + 977 * meter + 10_000 * day + place,
                plausibility=0,
            )
            for place, slot in enumerate(slots)
        ),
    )


def deliveries(installation: Installation) -> list[bytes]:
    """Return sealed delivery records, as `take_in` makes them, with their expects."""
    names = [
        KeyName(owner=new_id(), purpose=Purpose.READINGS, consent=new_id(), year=2026)
        for _ in range(METERS)
    ]
    keys = installation.keys.mint(names)
    return [_delivery(installation, names, keys, day) for day in range(FILES)]


def _delivery(
    installation: Installation, names: list[KeyName], keys: dict[KeyName, Key], day: int
) -> bytes:
    rows = [
        row_of(name.consent or UUID(int=0), keys[name], _reading(meter, day))
        for meter, name in enumerate(names)
    ]
    readings, ids = seal_readings(rows)
    stream = new_id()
    event = DeliveryReceived(
        cites=None,
        operator="enedis",
        channel=Channel.SGE,
        flow="R151",
        part=1,
        parts=1,
        readings=len(readings),
        root=b64(root(leaf_hash(readings.leaf(n)) for n in range(len(readings)))),
        counts={"accepted": len(readings)},
    )
    loading = Loading(installation.ledger)
    for name in names:
        for expected in (name.consent, name.owner):
            if expected is not None:
                loading.seen[expected] = Loaded(None, 0, ended=False)
    frame = DeliveryFrame(
        changes=[Change(stream=stream, event=event)], readings=readings, key_ids=ids
    )
    context = installation.services.context()
    return propose_delivery(installation.ledger, new_id(), loading, frame, context).record
