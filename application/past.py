"""Erase what was measured at one meter, while the account and its other meters live on.

::

    asked (on the account's stream) → the consents of that meter withdrawn, collections stopped,
    no key minted for them any more → destruction ordered → … (`application.destruction`)

The holder asks and it is done: nobody has to validate it (decision 0029). What was asked for
is on the log before anything of it is done; upkeep does it, and ends what a dead process
began. Only consents given before the request are of the past: the meter may be consented to
again at once, under a new consent with keys of its own. Their evidence stays until the
account is erased.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from application import destruction
from application.consenting import after_ending, consents_of, withdraw_consent
from application.erasure import NOT_REACHED
from application.frames import frame_of
from application.orders import Ground, ordered_ids
from application.residents import resident
from application.services import made_by, new_id
from application.telling import tell
from domain.aggregates import account, leaving, meter
from domain.aggregates.account import GOING, HELD, AccountStatus
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Corrupt, Refused, Unavailable
from domain.events import Change
from domain.events.account import DestructionOrdered
from domain.events.destruction import KeysDestroyed, PastErasureAskedAgain, PastErasureRequested
from domain.policies.meter import MeterNotThisAccounts
from domain.values import Role
from keys.names import Purpose
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from application.erasure import Step
    from application.services import Services
    from application.transact import Loading
    from domain.aggregates.account import Account
    from domain.aggregates.consent import Consent
    from domain.events import Event
    from domain.values import Actor
    from keys.names import KeyName
    from ledger.record import Frame

GROUND: Final = Ground(
    legal_basis="GDPR article 17(1)(b): consent withdrawn for one meter",
    not_reached=NOT_REACHED,
    asked_as=Role.RESIDENT,
)
RETRIED_AFTER: Final = timedelta(minutes=1)


class NothingHeld(Refused):
    """Nothing measured at the meter is held, so there is nothing to erase."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "nothing that was measured at this meter is held, so nothing is there to erase; what "
            "is collected can be stopped"
        )


class OrderNotOurs(Corrupt):
    """An order names living keys that are not of the meter's past."""

    def __init__(self, request: UUID) -> None:
        """Take the request's id."""
        super().__init__(
            f"the order of request {request} names keys that are not of the past it is about, so "
            "nothing of it was carried out: no decision of ours wrote it. Run 'metroledger audit', "
            "and find out who appended it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A request to erase a meter's past: its stream, the meter, when, and whether it is done."""

    request: UUID
    meter: UUID
    requested_at: datetime
    done: bool


class Stage(NamedTuple):
    """How far a request has come: when its destruction was ordered, and when it was done.

    `leaf` is the certificate's in the tree. `with_account` says that the whole account was
    erased before, and this with it.
    """

    ordered_at: datetime | None
    done_at: datetime | None
    leaf: int | None
    with_account: bool

    @property
    def is_over(self) -> bool:
        """Whether it was erased, by itself or with its account: then there is a certificate."""
        return self.done_at is not None or self.with_account


class Asked(NamedTuple):
    """A request by its id, the account that made it, and how far it has come."""

    request: UUID
    account: UUID
    stage: Stage


def request(
    services: Services,
    account_id: UUID,
    meter_id: UUID,
    *,
    command: UUID | None = None,
    at: datetime | None = None,
) -> UUID:
    """Record that the holder wants a meter's past erased; return the id of the request.

    The same command again is the same request, however late, and so is another while one that
    erases as much is under way. `at` is when they asked, where that was before now: what is of the
    past is what was consented to until then. Raises `MeterNotThisAccounts` of
    another's meter, `NothingHeld`, and what `leaving.request_past_erasure` raises.
    """
    command = command or new_id()
    stream = made_by(command)
    at = at or services.clock()
    wanted = PastErasureRequested(request=stream, meter=meter_id, requested_at=at)

    def decide(load: Loading) -> list[Change]:
        state = load(account, account_id).state
        events: tuple[Event, ...] = leaving.request_past_erasure(state, wanted)
        declared = load(meter, meter_id).state.declared
        if declared is None or declared.account != account_id:
            raise MeterNotThisAccounts
        if events:
            consents = _consents(services, account_id, wanted)
            known = _under_way(services, account_id, state, wanted, consents)
            if known is None and not is_held(services, account_id, consents):
                raise NothingHeld
            if known is not None:
                again = PastErasureAskedAgain(again=stream, request=known)
                events = leaving.ask_past_erasure_again(state, again)
        return [Change(stream=account_id, event=event, subject=account_id) for event in events]

    extra = {PastErasureRequested.TOPIC: stream.bytes}
    context = replace(services.context(resident(account_id), **extra), at=at)
    services.ledger.transact(command, decide, context=context)
    return standing(services, account_id, command)


def standing(services: Services, account_id: UUID, command: UUID) -> UUID:
    """Return the request that a command made, or that it was found to be."""
    state = services.ledger.load(account, account_id).state
    return leaving.standing_request(state, made_by(command))


def _under_way(
    services: Services,
    account_id: UUID,
    state: Account,
    wanted: PastErasureRequested,
    consents: Mapping[UUID, Consent],
) -> UUID | None:
    """Return the request under way that erases already what another one wants erased."""
    pending = services.register.read().pending
    asked = (one for one in state.pasts if one.meter == wanted.meter and one.request in pending)
    for one in asked:
        covered = _consents(services, account_id, one)
        if covered.keys() >= consents.keys() and _erases_all(services, account_id, one, covered):
            return one.request
    return None


def _erases_all(
    services: Services, account_id: UUID, asked: PastErasureRequested, consents: Collection[UUID]
) -> bool:
    """Whether a request will erase all that is held under its consents, and can.

    An order names its keys once: one that lacks a key would leave it, one with others' never ends.
    """
    if frame_of(services, asked.request, DestructionOrdered.TOPIC) is None:
        return True
    living = services.keys.owners_of(ordered_ids(services, asked.request))
    return living.keys() == set(_keys(services, account_id, consents).values())


def is_held(services: Services, account_id: UUID, consents: Collection[UUID]) -> bool:
    """Whether a key opens anything measured under these consents. No log is asked."""
    return bool(_keys(services, account_id, consents))


def erase(
    services: Services,
    account_id: UUID,
    request_id: UUID,
    actor: Actor,
    *,
    step: Step = lambda _: None,
) -> bool:
    """Carry a request to its end, from wherever it stands; say whether it is there.

    It waits while a duty to keep the data lasts, and has nothing to do once the erasure of the
    whole account was validated. Raises `NoErasureRequested` of a request that the account did
    not make, and `OrderNotOurs`, having destroyed nothing, where somebody else wrote the order.
    """
    if frame_of(services, request_id, DestructionOrdered.TOPIC) is None:
        if services.ledger.load(account, account_id).state.status in GOING | HELD:
            return False
        stop(services, account_id, request_id, step=step)
        step("consents ended")
        consents = _consents_of(services, account_id, request_id)
        keys = _keys(services, account_id, consents)
        try:
            destruction.order(services, request_id, keys, unless=partial(_unless_held, account_id))
        except leaving.PastHeld:  # since a moment ago
            return False
        step("destruction ordered")
    consents = _consents_of(services, account_id, request_id)
    living = services.keys.owners_of(ordered_ids(services, request_id))
    if living.keys() - set(_keys(services, account_id, consents).values()):
        raise OrderNotOurs(request_id)
    if living and services.ledger.load(account, account_id).state.status in HELD:
        return False  # since it was ordered
    destruction.carry_out(services, request_id, GROUND, actor, consents=consents, step=step)
    return True


def _unless_held(account_id: UUID, load: Loading) -> None:
    if load(account, account_id).state.status in HELD:
        raise leaving.PastHeld


def stop(
    services: Services, account_id: UUID, request_id: UUID, *, step: Step = lambda _: None
) -> None:
    """End the consents whose past is to be erased: from here on nothing is shown or collected."""
    if not _requested(services, account_id, request_id):
        raise leaving.NoErasureRequested(request_id)
    for consent_id, state in _consents_of(services, account_id, request_id).items():
        if state.status is ConsentStatus.GRANTED:
            withdraw_consent(services, consent_id, origin=Origin.ERASURE)
        else:
            after_ending(services, consent_id, StopReason.ERASURE)
        step("a consent ended")


def carry_out_requested(services: Services, failed: dict[UUID, datetime]) -> int:
    """Carry every request that is not done to its end; return how many were.

    One that cannot be completed keeps no other waiting: somebody is told, and it is taken up
    again after `RETRIED_AFTER`. `failed` says when each failed, and is kept between rounds.
    """
    done, now = 0, services.clock()
    for request_id, account_id in services.register.read().pending.items():
        if request_id in failed and now - failed[request_id] < RETRIED_AFTER:
            continue
        try:
            done += erase(services, account_id, request_id, services.system)
        except (Corrupt, Refused) as error:
            failed[request_id] = now
            tell("past-erasure-incomplete", logging.ERROR, error=error, request=request_id)
    return done


def pasts_of(services: Services, account_id: UUID) -> list[Past]:
    """Return an account's requests to erase a meter's past, the oldest first."""
    pending = services.register.read().pending
    return [
        Past(
            request=one.request,
            meter=one.meter,
            requested_at=one.requested_at,
            done=one.request not in pending,
        )
        for one in services.ledger.load(account, account_id).state.pasts
    ]


def stage_of(services: Services, account_id: UUID, request_id: UUID) -> Stage:
    """Return how far a request has come; no key is needed, so it outlives the account."""
    ordered = frame_of(services, request_id, DestructionOrdered.TOPIC)
    done = frame_of(services, request_id, KeysDestroyed.TOPIC)
    status = services.ledger.load(account, account_id).state.status
    return Stage(
        ordered_at=_at(ordered),
        done_at=_at(done),
        leaf=done[1] if done else None,
        with_account=ordered is None and status is AccountStatus.ERASED,
    )


def last_asked(services: Services) -> list[Asked] | None:
    """Return the requests that anybody made, those made last first; random ids and dates alone.

    None where the log does not answer: how they stand is read from it.
    """
    asked = list(services.register.read().asked.items())
    try:
        return [
            Asked(request, account_id, stage_of(services, account_id, request))
            for request, account_id in reversed(asked)
        ]
    except Unavailable:
        return None


def certified_by(services: Services, account_id: UUID, request_id: UUID) -> UUID:
    """Return the stream whose certificate is a request's: the account's where it went with that."""
    with_account = stage_of(services, account_id, request_id).with_account
    return account_id if with_account else request_id


def _at(found: tuple[Frame, int] | None) -> datetime | None:
    return decode_private(found[0].private).at if found else None


def _requested(
    services: Services, account_id: UUID, request_id: UUID
) -> PastErasureRequested | None:
    asked = services.ledger.load(account, account_id).state.pasts
    return next((one for one in asked if one.request == request_id), None)


def _consents_of(services: Services, account_id: UUID, request_id: UUID) -> dict[UUID, Consent]:
    """Return the consents whose past a request is about; none once it cannot be read any more."""
    wanted = _requested(services, account_id, request_id)
    return _consents(services, account_id, wanted) if wanted else {}


def _consents(
    services: Services, account_id: UUID, wanted: PastErasureRequested
) -> dict[UUID, Consent]:
    return {
        consent_id: state
        for consent_id, state in consents_of(services, account_id).items()
        if state.granted is not None and leaving.is_of_past(state.granted, wanted)
    }


def _keys(
    services: Services, account_id: UUID, consents: Collection[UUID]
) -> Mapping[KeyName, UUID]:
    """Return the living keys of what was measured under some consents."""
    return {
        name: key_id
        for name, key_id in services.keys.keys_of(account_id).items()
        if name.purpose is Purpose.READINGS and name.consent in consents
    }
