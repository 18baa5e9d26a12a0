"""Accounts as they stand: of each, all that its streams say, with the version of each.

One sealed page an account, under the account's own profile key. The portal reads it to
show who has which meters and consents; a delivery reads it to decide, and its commit then
`expects` the versions found here: a page that lags behind makes a commit void, never wrong.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from domain.aggregates import account, collection, consent, meter
from domain.aggregates.account import Account
from domain.aggregates.collection import Collection
from domain.aggregates.consent import Consent
from domain.aggregates.meter import Meter
from domain.events import Event
from keys.redaction import Redacted

State = TypeVar("State")


class Placed(msgspec.Struct, Generic[State], frozen=True, array_like=True):
    """A stream's state, its version, and whether it has ended."""

    version: int
    ended: bool
    state: State


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What one account's streams add up to, by the stream's id."""

    accounts: dict[UUID, Placed[Account]] = {}
    meters: dict[UUID, Placed[Meter]] = {}
    consents: dict[UUID, Placed[Consent]] = {}
    collections: dict[UUID, Placed[Collection]] = {}


EMPTY: Final = Standing()

_AGGREGATES: Final[dict[str, Any]] = {
    "accounts": account,
    "meters": meter,
    "consents": consent,
    "collections": collection,
}
_KIND_OF: Final[dict[type[Event], tuple[str, Any]]] = {
    event: (name, module)
    for name, module in _AGGREGATES.items()
    for moves in module.TRANSITIONS.values()
    for event in moves
}
"""Which kind of stream an event is of: each aggregate's own table of moves says so."""

PUBLIC_MARKS: Final = tuple(
    f'"type":"{event.TOPIC}"'.encode()
    for event, (name, _) in _KIND_OF.items()
    if name == "accounts" and event.KEY is None
)
"""What marks the leaves of an account's public events, the steps of an erasure: they lie in the
account's own stream, and no key says whose they are."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Standing)


def concerns(event: Event) -> bool:
    """Tell whether an event changes how an account stands."""
    return type(event) in _KIND_OF


def evolve(standing: Standing, stream: UUID, version: int, event: Event | Redacted) -> Standing:
    """Return how the account stands after an event of one of its streams.

    Raises `ImpossibleEvent` where the stream's own history does not allow it.
    """
    if isinstance(event, Redacted):
        return standing
    name, aggregate = _KIND_OF[type(event)]
    placed: dict[UUID, Placed[Any]] = getattr(standing, name)
    before = placed.get(stream)
    state = aggregate.evolve(before.state if before else aggregate.INITIAL, event)
    after = Placed(version, (before.ended if before else False) or event.ENDS, state)
    return msgspec.structs.replace(standing, **{name: {**placed, stream: after}})


def encode(standing: Standing) -> bytes:
    """Return a standing's bytes, to be sealed."""
    return _encoder.encode(standing)


def decode(encoded: bytes) -> Standing:
    """Return the standing of opened bytes."""
    return _decoder.decode(encoded)
