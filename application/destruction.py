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
from typing import TYPE_CHECKING

from application.erasure import GROUND, NOT_REACHED, ErasureIncomplete
from application.frames import frame_of
from application.orders import Ground, decide_once, ordered_ids, root_of, witnessed
from application.services import derived_id
from domain.aggregates import destruction
from domain.aggregates.destruction import DestructionStatus
from domain.events.account import DestructionOrdered
from domain.events.destruction import KeysDestroyed
from keys.names import Purpose
from projections.projector import ShownTooLate
from projections.store import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from uuid import UUID

    from application.erasure import Step
    from application.services import Services
    from application.transact import Loading
    from domain.events import Event
    from domain.values import Actor
    from keys.names import KeyName


def order(
    services: Services,
    stream: UUID,
    keys: Mapping[KeyName, UUID],
    *,
    unless: Callable[[Loading], None] = lambda _: None,
) -> None:
    """Order the destruction of keys, by name and id, in a stream of its own; once.

    An order that stands is kept, whatever is named now. `unless` raises what forbids one, by what
    it loads: none is written beside a change of that.
    """
    if frame_of(services, stream, DestructionOrdered.TOPIC) is not None:
        return
    ids = sorted(key_id.bytes for key_id in keys.values())

    def decide(load: Loading) -> tuple[Event, ...]:
        state = load(destruction, stream).state
        if state.ordered is not None:
            return ()
        unless(load)
        return destruction.order(state, request=stream, keys=len(ids), root=root_of(ids))

    context = services.context(None, **{DestructionOrdered.TOPIC: b"".join(ids)})
    decide_once(services, b"order part", stream, decide, context)


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


def destroy_all(services: Services, account_id: UUID, actor: Actor) -> UUID:
    """Destroy every key of an account, as a destruction of its own; return its id. May be repeated.

    For an account in whose own stream somebody wrote what no erasure can go on from: an order of
    other keys, a certificate before its time. No notice is sent, and no `AccountErased` written.
    """
    stream = derived_id(services.territory_key(Purpose.REACTIONS), b"destroy all", account_id.bytes)
    services.keys.close_owner(account_id)
    keys = services.keys.keys_of(account_id)
    order(services, stream, keys)
    consents = {name.consent for name in keys if name.consent is not None}
    ground = Ground(legal_basis=GROUND.legal_basis, not_reached=NOT_REACHED)
    carry_out(services, stream, ground, actor, consents=consents)
    services.keys.destroy_owner(account_id, services.clock())
    services.keys.index.forget(account_id)
    return stream


def _purge(services: Services, consents: Collection[UUID], keys: Collection[UUID]) -> None:
    """Delete what lies under the keys; what is still to be copied there is as unreadable."""
    with contextlib.suppress(ShownTooLate):
        services.shown.catch_up(Part.READINGS)
    if consents:
        services.shown.store.purge(keys, consents)


def _certify(
    services: Services, stream: UUID, ids: list[UUID], ground: Ground, actor: Actor
) -> None:
    ordered = frame_of(services, stream, DestructionOrdered.TOPIC)
    certificate = KeysDestroyed(
        **witnessed(services, ids, ground, first=ordered),
        request=stream,
        asked_as=(ground.asked_as or actor.role).value,
        carried_out_as=actor.role.value,
    )

    def decide(load: Loading) -> tuple[Event, ...]:
        return destruction.certify(load(destruction, stream).state, certificate)

    decide_once(services, b"certify part", stream, decide, services.context(actor))
