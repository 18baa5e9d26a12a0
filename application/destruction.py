"""Destroy some keys for ever while their persons' accounts live on.

::

    (whatever used them has ended) → destruction ordered, the ids in its private zone → journal
    and keys destroyed → pages deleted → epoch ended → keys destroyed, with certificate

One stream is one destruction. It is `order`ed once, and `carry_out` takes it to its end from
wherever it stands. What goes before the order is the caller's: no key of an ordered name may
be minted after it, so the consents that the names hold have ended and are closed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.erasure import (
    NOT_REACHED,
    ErasureIncomplete,
    frame_of,
    ordered_ids,
    root_of,
    witnessed,
)
from application.services import derived_id
from domain.aggregates import destruction
from domain.aggregates.destruction import DestructionStatus
from domain.aggregates.leaving import DestructionNotOrdered
from domain.events.account import DestructionOrdered
from domain.events.destruction import KeysDestroyed
from domain.values import Change
from keys.names import Purpose
from projections.projector import ShownTooLate
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from application.erasure import Step
    from application.services import Services
    from application.transact import Loading
    from domain.values import Actor
    from keys.key import Key
    from keys.names import KeyName


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Why keys are destroyed, in what role somebody asked, and what cannot be reached."""

    legal_basis: str
    asked_as: str
    not_reached: tuple[str, ...] = NOT_REACHED


def order(services: Services, stream: UUID, keys: Mapping[KeyName, UUID]) -> None:
    """Order the destruction of keys, by name and id, in a stream of its own; once.

    An order that stands is kept, whatever is named now.
    """
    if frame_of(services, stream, DestructionOrdered.TOPIC) is not None:
        return
    ids = sorted(key_id.bytes for key_id in keys.values())
    ordered = root_of(ids)

    def decide(load: Loading) -> list[Change]:
        state = load(destruction, stream).state
        if state.ordered is not None:
            return []
        events = destruction.order(state, request=stream, keys=len(ids), root=ordered)
        return [Change(stream=stream, event=event) for event in events]

    context = services.context(None, **{DestructionOrdered.TOPIC: b"".join(ids)})
    command = derived_id(_key(services), b"order part", stream.bytes)
    services.ledger.transact(command, decide, context=context, derived=True)


def carry_out(  # noqa: PLR0913 (what, why, by whom, and who hears of it)
    services: Services,
    stream: UUID,
    ground: Ground,
    actor: Actor,
    *,
    consents: Collection[UUID],
    step: Step = lambda _: None,
) -> None:
    """Take an ordered destruction to its end, from wherever it stands.

    `consents` are those whose pages go with the keys. Raises `DestructionNotOrdered` having
    destroyed nothing, `ErasureIncomplete`.
    """
    ids = ordered_ids(services, stream)
    services.keys.destroy(ids, services.clock())
    step("keys destroyed")
    left = len(services.keys.fetch(ids))
    if left:
        raise ErasureIncomplete(left)
    _purge(services, consents, ids)
    step("pages deleted")
    if services.ledger.load(destruction, stream).state.status is not DestructionStatus.DONE:
        services.keys.end_epoch(services.clock())
        step("epoch ended")
        _certify(services, stream, ids, ground, actor)
        step("certified")


def _purge(services: Services, consents: Collection[UUID], keys: Collection[UUID]) -> None:
    """Delete what lies under the keys; what is still to be copied there is as unreadable."""
    with contextlib.suppress(ShownTooLate):
        services.shown.catch_up(Part.READINGS)
    if consents:
        services.shown.store.purge(keys, consents)


def _certify(
    services: Services, stream: UUID, ids: list[UUID], ground: Ground, actor: Actor
) -> None:
    found = frame_of(services, stream, DestructionOrdered.TOPIC)
    seen = witnessed(services, ids)

    def decide(load: Loading) -> list[Change]:
        state = load(destruction, stream).state
        if state.ordered is None:
            raise DestructionNotOrdered
        certificate = KeysDestroyed(
            **seen,
            request=stream,
            root=state.ordered.root,
            tree_size_before=found[1] if found else 0,
            legal_basis=ground.legal_basis,
            not_reached=ground.not_reached,
            asked_as=ground.asked_as,
            carried_out_as=actor.role.value,
        )
        events = destruction.certify(state, certificate)
        return [Change(stream=stream, event=event) for event in events]

    command = derived_id(_key(services), b"certify part", stream.bytes)
    context = services.context(actor)
    services.ledger.transact(command, decide, context=context, derived=True)


def _key(services: Services) -> Key:
    return services.territory_key(Purpose.REACTIONS)
