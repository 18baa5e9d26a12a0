"""What every destruction of keys shares: its order, and the certificate that answers it.

The order's leaf says how many keys, and the root over their ids; the ids are in its private zone.
The certificate answers it key for key, with what the key store and the tree have then. Either is
decided once: whoever comes again after a crash sends the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from application.frames import frame_of
from application.services import derived_id
from domain.aggregates.leaving import DestructionNotOrdered
from domain.events import Change
from domain.events.account import DestructionOrdered
from keys.names import Purpose
from proofs.merkle import leaf_hash, root
from schemas.canonical import b64
from schemas.private import decode_private, ids_in

if TYPE_CHECKING:
    from uuid import UUID

    from application.services import Services
    from application.transact import Context, Loading
    from domain.events import Event
    from domain.values import Role
    from ledger.record import Frame

    Answer = Callable[[Loading], Iterable[Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Why keys are destroyed, what that cannot reach, and in what role somebody asked for it."""

    legal_basis: str
    not_reached: tuple[str, ...]
    asked_as: Role | None = None


class Witnessed(TypedDict):
    """What every certificate says; see `AccountErased`."""

    keys: int
    root: str
    fingerprints: str
    stores: int
    epoch: int
    tree_size_before: int
    tree_size_after: int
    legal_basis: str
    not_reached: tuple[str, ...]


def witnessed(
    services: Services, ids: Sequence[UUID], ground: Ground, *, first: tuple[Frame, int] | None
) -> Witnessed:
    """Return what is to be certified of keys that are destroyed, as the stores have it now.

    `first` is the entry that the destruction began with, and its place.
    """
    prints = services.keys.fingerprints(ids)
    return Witnessed(
        keys=len(ids),
        root=root_of(sorted(one.bytes for one in ids)),
        fingerprints=root_of(prints[one] for one in sorted(prints)),
        stores=1,
        epoch=services.keys.epoch().generation,
        tree_size_before=first[1] if first else 0,
        tree_size_after=services.ledger.folder.store.cursor().size,
        legal_basis=ground.legal_basis,
        not_reached=ground.not_reached,
    )


def root_of(entries: Iterable[bytes]) -> str:
    """Return the RFC 6962 root over entries, as base64url: of key ids sorted, or fingerprints."""
    return b64(root(leaf_hash(one) for one in entries))


def ordered_ids(
    services: Services, stream: UUID, event: type[Event] = DestructionOrdered
) -> list[UUID]:
    """Return the ids of the keys that a stream orders destroyed; raises `DestructionNotOrdered`."""
    found = frame_of(services, stream, event.TOPIC)
    if found is None:
        raise DestructionNotOrdered
    return ids_in(decode_private(found[0].private).extra)


def decide_once(
    services: Services, tag: bytes, stream: UUID, decide: Answer, context: Context
) -> None:
    """Commit what is decided of a stream, under a command that only its `tag` makes for it."""

    def changes(load: Loading) -> list[Change]:
        return [Change(stream=stream, event=event) for event in decide(load)]

    command = derived_id(services.territory_key(Purpose.REACTIONS), tag, stream.bytes)
    services.ledger.transact(command, changes, context=context, derived=True)
