"""Accounts as they stand: of each, all that its streams say, with the version of each.

One sealed page an account, under the account's own profile key. The portal reads it to
show who has which meters and consents; a delivery reads it to decide, and its commit then
`expects` the versions found here: a page that lags behind makes a commit void, never wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from domain.aggregates import account, collection, consent, meter
from domain.aggregates.account import Account
from domain.aggregates.collection import Collection
from domain.aggregates.consent import Consent
from domain.aggregates.meter import Meter
from domain.events.account import (
    AccountErased,
    AccountOpened,
    DestructionOrdered,
    ErasureRefused,
    ErasureRequested,
    ErasureValidated,
    TermsAccepted,
)
from domain.events.collection import (
    CollectionResumed,
    CollectionStarted,
    CollectionStopped,
    CollectionSuspended,
)
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentGranted,
    ConsentRefused,
    ConsentWithdrawn,
)
from domain.events.meter import (
    ConsentAttached,
    ConsentDetached,
    ContractFactsReceived,
    MeterAttested,
    MeterDeclared,
    MeterMovedOut,
)
from keys.redaction import Redacted

if TYPE_CHECKING:
    from domain.events import Event

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

_KINDS: Final[tuple[tuple[str, Any, tuple[type[Event], ...]], ...]] = (
    (
        "accounts",
        account,
        (
            AccountOpened,
            TermsAccepted,
            ErasureRequested,
            ErasureRefused,
            ErasureValidated,
            DestructionOrdered,
            AccountErased,
        ),
    ),
    (
        "meters",
        meter,
        (
            MeterDeclared,
            MeterAttested,
            ContractFactsReceived,
            MeterMovedOut,
            ConsentAttached,
            ConsentDetached,
        ),
    ),
    (
        "consents",
        consent,
        (ConsentGranted, ConsentExtended, ConsentWithdrawn, ConsentRefused, ConsentExpired),
    ),
    (
        "collections",
        collection,
        (CollectionStarted, CollectionSuspended, CollectionResumed, CollectionStopped),
    ),
)
_KIND_OF: Final = {event: (name, module) for name, module, events in _KINDS for event in events}

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
