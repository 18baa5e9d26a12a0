"""Park a delivery that cannot be read: its bytes sealed, its reason on the ledger.

The bytes are sealed under a key of their own, with days to live; nothing of them is
applied, and nothing is lost until their days are over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from application.deliveries import Outcome, Result, delivery_id
from application.services import derived_id
from domain.aggregates import delivery
from domain.events import Change
from domain.events.delivery import DeliveryParked
from keys import sealing
from keys.files import write_durably
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from application.incoming import Incoming
    from application.services import Services
    from application.transact import Loading

KEPT_DAYS: Final = 30
"""How long the sealed bytes of a parked file are kept."""

_NAME_LENGTH: Final = len(str(UUID(int=0)))
"""Of a parked file's name, which is its delivery's id; a file being written has a longer one."""


def park(services: Services, incoming: Incoming, content: bytes, reason: str) -> Outcome:
    """Keep a delivery that cannot be read, sealed, and record why."""
    stream, key = delivery_id(services, incoming)
    command = derived_id(key, b"park", stream.bytes)
    if not services.ledger.folder.store.heads([stream.bytes]):
        _keep_sealed(services, stream, content)
    event = DeliveryParked(
        operator=incoming.operator,
        channel=incoming.channel,
        flow=incoming.flow,
        reason=reason,
        kept_days=KEPT_DAYS,
    )
    parked = False

    def decide(load: Loading) -> list[Change]:
        nonlocal parked
        events = delivery.park(load(delivery, stream).state, event)
        parked = bool(events)
        return [Change(stream=stream, event=one) for one in events]

    services.ledger.transact(command, decide, context=services.context(), derived=True)
    result = Result.PARKED if parked else Result.ALREADY_PARKED
    return Outcome(id=stream, result=result, counts={reason: 1})


def parked_content(services: Services, stream: UUID) -> bytes:
    """Return the bytes of a parked delivery, opened."""
    name = KeyName(owner=stream, purpose=Purpose.PARKED)
    sealed = (services.parked / str(stream)).read_bytes()
    return sealing.open(services.keys.mint([name])[name], sealed, _parked_leaf(stream))


def drop_expired(services: Services) -> int:
    """Destroy the keys of parked files whose days are over, and remove them; say how many.

    Key first: a copy of the file that lies elsewhere opens no more either. The age is
    the file's own, since it was parked.
    """
    if not services.parked.is_dir():
        return 0
    oldest = services.clock() - timedelta(days=KEPT_DAYS)
    sealed = [path for path in services.parked.iterdir() if len(path.name) == _NAME_LENGTH]
    expired = [path for path in sealed if path.stat().st_mtime < oldest.timestamp()]
    for path in expired:
        services.keys.destroy_owner(UUID(path.name), services.clock())
        path.unlink()
    return len(expired)


def _keep_sealed(services: Services, stream: UUID, content: bytes) -> None:
    path = services.parked / str(stream)
    if not path.exists():
        name = KeyName(owner=stream, purpose=Purpose.PARKED)
        key = services.keys.mint([name])[name]
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, sealing.seal(key, content, _parked_leaf(stream)))


def _parked_leaf(stream: UUID) -> bytes:
    return b"metroledger/parked/v1\0" + stream.bytes
