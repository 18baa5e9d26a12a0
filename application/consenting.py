"""Consents: granted with evidence, withdrawn for good, and collections with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.offices import NoAgreement, agreement_in_force, require_text
from application.residents import resident
from application.services import collection_id, derived_id, made_by, new_id
from domain.aggregates import account, agreement, collection, consent, leaving, meter, terms
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import Origin
from domain.errors import Unavailable
from domain.events.consent import Evidence
from domain.events.terms import TextKind
from domain.policies.collection import Start, start_collection, stop_collection
from domain.policies.consent import (
    ConsentAlreadyLives,
    Grant,
    Ground,
    Refusal,
    expire,
    grant,
    refuse,
    withdraw,
)
from domain.policies.evidence import WordingNotPublished
from domain.values import Channel, civil_day
from keys.names import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from domain.aggregates.consent import Consent
    from domain.aggregates.meter import Meter
    from domain.events import Change
    from domain.values import Actor, Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person agrees to, and how they said so.

    Give `years` or `last_day`. `first_day` is the first day whose data they agreed to.
    """

    category: Category
    recipient: str
    purpose: str
    holder: str
    channel: str
    act: str
    wording_version: str
    language: str
    years: int | None = None
    last_day: date | None = None
    first_day: date | None = None


class StillWithdrawing(Unavailable):
    """What ended the same thing, or erases the meter's past, waits for the log."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "what you ended holds, and is not written to the ledger yet, which did not answer "
            "then; a new consent comes after it, and nothing of this one was stored: give it again "
            "in a minute"
        )


def grant_consent(
    services: Services,
    account_id: UUID,
    meter_id: UUID,
    wish: Wish,
    *,
    command: UUID | None = None,
) -> UUID:
    """Grant a consent; return its id. One to the same thing that has lapsed is expired first.

    Raises `StillWithdrawing` where one to the same thing was withdrawn while the log was away:
    a refusal would bar the command, and it is right as soon as the log has the withdrawal. So
    too while an asking to erase the meter's past waits: whatever their clocks say, what was
    asked first is on the log first.
    A `command` sent again gives the same consent. Whatever speaks against it is found while
    it is decided: a refusal is told only when the command can never be accepted any more.
    """
    command = command or new_id()
    at, stream = services.clock(), made_by(command)
    if services.ledger.folder.store.accepted(command.bytes) is None:
        if services.inbox.waits(meter_id):
            raise StillWithdrawing
        _make_way(services, meter_id, wish, at)

    def decide(load: Loading) -> Iterable[Change]:
        declared = load(meter, meter_id)
        facts = declared.state.declared
        operator = facts.operator if facts else "?"
        agreed = agreement_in_force(services, operator, at)
        if agreed is None:
            raise NoAgreement(operator)
        wording = require_text(services, TextKind.CONSENT_WORDING)
        ground = Ground(
            account=load(account, account_id),
            meter=declared,
            agreement=load(agreement, agreed),
            wording=load(terms, wording),
        )
        try:
            return grant(load(consent, stream), ground, _wanted(services, ground, wish, at))
        except ConsentAlreadyLives:
            if _is_ending(services, meter_id, _living(declared.state, wish), wish):
                raise StillWithdrawing from None
            raise

    context = services.context(resident(account_id))
    services.ledger.transact(command, decide, context=context)
    return stream


def _wanted(services: Services, ground: Ground, wish: Wish, at: datetime) -> Grant:
    return Grant(
        cites=services.register.read().cites[ground.agreement.id],
        category=wish.category,
        recipient=wish.recipient,
        purpose=wish.purpose,
        granted_at=leaving.after_pasts(ground.account.state, ground.meter.id, at),
        evidence=_evidence(services, ground.wording.id, wish),
        holder=wish.holder,
        years=wish.years,
        last_day=wish.last_day,
        first_day=wish.first_day,
    )


def refuse_consent(
    services: Services,
    account_id: UUID,
    meter_id: UUID,
    wish: Wish,
    *,
    command: UUID | None = None,
) -> UUID:
    """Keep a person's refusal, with the same evidence as a grant's; return its id."""
    command = command or new_id()
    at, stream = services.clock(), made_by(command)

    def decide(load: Loading) -> Iterable[Change]:
        wording = require_text(services, TextKind.CONSENT_WORDING)
        wanted = Refusal(
            category=wish.category,
            recipient=wish.recipient,
            purpose=wish.purpose,
            refused_at=at,
            evidence=_evidence(services, wording, wish),
        )
        holder, declared = load(account, account_id), load(meter, meter_id)
        return refuse(load(consent, stream), holder, declared, load(terms, wording), wanted)

    context = services.context(resident(account_id))
    services.ledger.transact(command, decide, context=context)
    return stream


def _make_way(services: Services, meter_id: UUID, wish: Wish, at: datetime) -> None:
    """Record it where the consent which a new one would follow has expired."""
    living = _living(services.ledger.load(meter, meter_id).state, wish)
    if living and consent.has_lapsed(services.ledger.load(consent, living).state, at):
        expire_consent(services, living)


def _is_ending(services: Services, meter_id: UUID, living: UUID | None, wish: Wish) -> bool:
    """Whether the end of a living consent waits for the log, or has just come to it."""
    waits = living is not None and any(map(services.inbox.waits, (living, meter_id)))
    return waits or _living(services.ledger.load(meter, meter_id).state, wish) != living


def _living(state: Meter, wish: Wish) -> UUID | None:
    """Return the consent to the same thing that lives on a meter."""
    return meter.living_consent(
        state, category=wish.category, recipient=wish.recipient, purpose=wish.purpose
    )


def _evidence(services: Services, wording: UUID, wish: Wish) -> Evidence:
    state = services.register.read().texts[wording]
    shown = terms.find(state, version=wish.wording_version, language=wish.language)
    if shown is None:
        raise WordingNotPublished(wish.wording_version, wish.language)
    return Evidence(
        channel=wish.channel,
        wording=wording,
        wording_version=wish.wording_version,
        sha256=shown.sha256,
        language=wish.language,
        act=wish.act,
    )


def start(services: Services, consent_id: UUID, channel: Channel) -> UUID:
    """Start the collection of a consent over a channel; return the collection's id.

    A derived command: however often it is asked for, it happens once. The agreement is
    the operator's in force now: a renewed one carries the consents of the one before.
    """
    stream = collection_id(consent_id, channel)
    key = services.territory_key(Purpose.REACTIONS)
    command = derived_id(key, b"start collection", stream.bytes)
    at = services.clock()

    def decide(load: Loading) -> Iterable[Change]:
        started = load(collection, stream)
        if started.state.started_at is not None:
            return ()
        given = load(consent, consent_id)
        wanted = Start(channel=channel, started_at=consent.no_earlier(given.state, at))
        granted = consent.require_in_force(given.state, wanted.started_at)
        agreed = agreement_in_force(services, granted.operator, wanted.started_at)
        return start_collection(
            started,
            given,
            load(agreement, agreed or granted.agreement),
            load(meter, granted.meter),
            wanted,
        )

    services.ledger.transact(command, decide, context=services.context(), derived=True)
    return stream


def start_agreed(services: Services, consent_id: UUID) -> None:
    """Start the collection of a consent over every channel of its agreement; may be repeated."""
    granted = services.ledger.load(consent, consent_id).state.granted
    agreements = services.register.read().agreements
    signed = agreements[granted.agreement].signed if granted is not None else None
    for channel in signed.channels if signed else ():
        start(services, consent_id, channel)


def withdraw_consent(  # noqa: PLR0913 (by whom, how, when and as which command are one act's)
    services: Services,
    consent_id: UUID,
    *,
    origin: Origin,
    actor: Actor | None = None,
    command: UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Withdraw a consent: from the commit on, no reading is accepted under it.

    Then its collections are stopped, and no key is minted for it any more. `at` is when the
    person did it, where that was before now.
    """
    at = at or services.clock()

    def decide(load: Loading) -> Iterable[Change]:
        given = load(consent, consent_id)
        on_meter = given.state.granted.meter if given.state.granted else new_id()
        dated = consent.no_earlier(given.state, at)
        return withdraw(given, load(meter, on_meter), withdrawn_at=dated, origin=origin)

    granted = services.ledger.load(consent, consent_id).state.granted
    holder = resident(granted.account) if granted else services.system
    context = services.context(actor or holder)
    services.ledger.transact(command or new_id(), decide, context=context)
    reason = StopReason.ERASURE if origin is Origin.ERASURE else StopReason.WITHDRAWN
    after_ending(services, consent_id, reason)


def expire_consent(services: Services, consent_id: UUID) -> None:
    """Record that a consent's last day has passed, then what every ending makes next.

    A derived command. Raises `NoSuchConsent`, and `ConsentNotLapsed` while it is in force.
    """
    today = civil_day(services.clock())
    key = services.territory_key(Purpose.REACTIONS)
    command = derived_id(key, b"expire consent", consent_id.bytes)

    def decide(load: Loading) -> Iterable[Change]:
        given = load(consent, consent_id)
        on_meter = given.state.granted.meter if given.state.granted else new_id()
        return expire(given, load(meter, on_meter), on=today)

    services.ledger.transact(command, decide, context=services.context(), derived=True)
    after_ending(services, consent_id, StopReason.EXPIRED)


def after_ending(services: Services, consent_id: UUID, reason: StopReason) -> None:
    """What an ending makes next, as derived commands: may be repeated at any time."""
    granted = services.ledger.load(consent, consent_id).state.granted
    if granted is None:
        return
    services.keys.close_consents([(granted.account, consent_id)])
    for channel in Channel:
        stop(services, consent_id, channel, reason=reason, subject=granted.account)


def stop(
    services: Services, consent_id: UUID, channel: Channel, *, reason: StopReason, subject: UUID
) -> None:
    """Stop a consent's collection over a channel, where there is one."""
    stream = collection_id(consent_id, channel)
    if not services.ledger.folder.store.heads([stream.bytes]):
        return
    key = services.territory_key(Purpose.REACTIONS)
    command = derived_id(key, b"stop collection", stream.bytes)
    at = services.clock()

    def decide(load: Loading) -> Iterable[Change]:
        running = load(collection, stream)
        return stop_collection(running, reason=reason, stopped_at=at, subject=subject)

    services.ledger.transact(command, decide, context=services.context(), derived=True)


def consents_of(services: Services, account_id: UUID) -> dict[UUID, Consent]:
    """Return the consents an account ever gave or refused, by id.

    Found by the names of its keys: all that joins a person to an id is in the key store.
    """
    names = services.keys.keys_of(account_id)
    ids = dict.fromkeys(name.consent for name in names if name.consent is not None)
    loaded = services.ledger.load_many(consent, ids)
    return {one: seen.state for one, seen in loaded.items() if seen.version}
