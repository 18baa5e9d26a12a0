"""The person's acts on a consent and its ending, with the meter it lives on.

A grant is written on two streams in one commit: the consent's, and the meter's
(`ConsentAttached`). The meter's stream is what makes *at most one living consent per
meter, category, recipient and purpose* true of the log: two grants of one act expect the
same version of it, so one of them is void, and refused when it is decided again. The
account's, the agreement's and the wording's streams are read, and expected too: a grant
that was decided before an erasure was validated cannot win after it.

An ending is written on the same two streams, and reads no other: it is possible
whatever became of the account, the agreement and the operator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.aggregates import account as accounts
from domain.aggregates import agreement as agreements
from domain.aggregates import consent as consents
from domain.aggregates import meter as meters
from domain.aggregates.account import Account
from domain.aggregates.agreement import Agreement
from domain.aggregates.consent import Consent, Origin
from domain.aggregates.meter import Meter
from domain.aggregates.terms import Terms
from domain.errors import Refused
from domain.events import Change, Event
from domain.events.consent import ConsentExtended, ConsentGranted, ConsentRefused, Evidence
from domain.events.meter import ConsentAttached, MeterDeclared
from domain.policies import points
from domain.policies.evidence import require_evidence
from domain.policies.meter import MeterNotThisAccounts, require_own
from domain.policies.period import last_day_of
from domain.values import Category, Stream, civil_day


class NoAgreementInForce(Refused):
    """The operator has no agreement in force on the day of the act."""

    def __init__(self, operator: str, day: date) -> None:
        """Take the operator, and the civil day."""
        super().__init__(
            f"No agreement with {operator} is in force on {day}, so nothing may be collected from "
            "it. The metropolis signs one first; name that one."
        )
        self.operator = operator
        self.day = day


class CategoryNotInAgreement(Refused):
    """The operator's agreement does not cover the category."""

    def __init__(self, operator: str, category: Category) -> None:
        """Take the operator and the category."""
        super().__init__(
            f"The agreement with {operator} does not cover {category.value}. "
            "Ask for what it covers, or let the metropolis agree on more."
        )
        self.operator = operator
        self.category = category


class ConsentAlreadyLives(Refused):
    """A consent to the same thing lives on the meter already."""

    def __init__(self, category: Category) -> None:
        """Take the category; recipient and purpose are the same too."""
        super().__init__(
            f"A consent to {category.value}, for the same recipient and purpose, lives on this "
            "meter already. Extend it, or end it before granting another."
        )
        self.category = category


class ScopeMissing(Refused):
    """A consent must say to whom, for what, and in whose name."""

    def __init__(self, lacking: tuple[str, ...]) -> None:
        """Take the names of what is blank."""
        super().__init__(
            f"A consent is specific, and this does not say its {', '.join(lacking)}. Give it."
        )
        self.lacking = lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The streams an act of consent rests on; all are read, so all are expected."""

    account: Stream[Account]
    meter: Stream[Meter]
    agreement: Stream[Agreement]
    wording: Stream[Terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person consents to. Give `years` or `last_day`, not both.

    `cites` is the hash (base64url) of the agreement's leaf, `holder` the name on the
    operator's contract. `horizon` is the first day for which the operator still has
    data, `first_day` the first one the person agreed to; None where none is known.
    """

    cites: str
    category: Category
    recipient: str
    purpose: str
    granted_at: datetime
    evidence: Evidence
    holder: str
    years: int | None = None
    last_day: date | None = None
    horizon: date | None = None
    first_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """How a person prolongs a consent. Give `years` from now or `last_day`, not both."""

    extended_at: datetime
    evidence: Evidence
    years: int | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a person was asked, and said no to."""

    category: Category
    recipient: str
    purpose: str
    refused_at: datetime
    evidence: Evidence


def grant(consent: Stream[Consent], ground: Ground, wanted: Grant) -> tuple[Change, ...]:
    """Decide that a person consents.

    Raises `ScopeMissing`, `CategoryNotForFluid`, `NoAgreementInForce`,
    `CategoryNotInAgreement`, what `require_evidence` and `last_day_of` raise,
    `ConsentAlreadyLives`, `ConsentAnsweredAlready`, and why the account or the meter
    can do nothing.
    """
    facts = _own_meter(ground)
    granted = _granted(consent.id, ground, facts, wanted)
    decided = consents.grant(consent.state, granted)
    if not decided:
        return ()
    _require_grantable(ground, facts, wanted)
    on_meter = meters.attach(
        ground.meter.state,
        ConsentAttached(
            consent=consent.id,
            category=wanted.category,
            recipient=wanted.recipient,
            purpose=wanted.purpose,
        ),
    )
    return (
        *_changes(consent.id, decided, ground.account.id),
        *_changes(ground.meter.id, on_meter, ground.account.id),
    )


def extend(consent: Stream[Consent], ground: Ground, wanted: Extension) -> tuple[Change, ...]:
    """Decide that a person prolongs a consent, by an act with evidence of its own.

    Raises what `aggregates.consent.extend`, `require_evidence` and `last_day_of`
    raise, `NoAgreementInForce`, `CategoryNotInAgreement`, and why the account or the
    meter can do nothing.
    """
    last_day = last_day_of(wanted.extended_at, years=wanted.years, last_day=wanted.last_day)
    extended = ConsentExtended(
        consent=consent.id,
        last_day=last_day,
        extended_at=wanted.extended_at,
        evidence=wanted.evidence,
    )
    decided = consents.extend(consent.state, extended)
    if not decided:
        return ()
    granted = consents.require_in_force(consent.state, wanted.extended_at)
    if granted.meter != ground.meter.id:
        raise MeterNotThisAccounts
    facts = _own_meter(ground)
    accounts.require_active(ground.account.state)
    _require_agreement(ground.agreement, facts, granted.category, wanted.extended_at)
    require_evidence(wanted.evidence, ground.wording)
    return _changes(consent.id, decided, ground.account.id)


def refuse(
    consent: Stream[Consent],
    account: Stream[Account],
    meter: Stream[Meter],
    wording: Stream[Terms],
    wanted: Refusal,
) -> tuple[Change, ...]:
    """Decide to keep a person's no; it needs no agreement, and evidence all the same.

    Raises `ScopeMissing`, what `require_evidence` raises, `ConsentAnsweredAlready`,
    and why the account or the meter can do nothing.
    """
    refused = ConsentRefused(
        consent=consent.id,
        category=wanted.category,
        recipient=wanted.recipient,
        purpose=wanted.purpose,
        refused_at=wanted.refused_at,
        evidence=wanted.evidence,
        account=account.id,
        meter=meter.id,
    )
    decided = consents.refuse(consent.state, refused)
    if decided:
        require_own(meter, account)
        accounts.require_active(account.state)
        _require_scope(recipient=wanted.recipient, purpose=wanted.purpose)
        require_evidence(wanted.evidence, wording)
    return _changes(consent.id, decided, account.id)


def withdraw(
    consent: Stream[Consent], meter: Stream[Meter], *, withdrawn_at: datetime, origin: Origin
) -> tuple[Change, ...]:
    """Decide that a person withdraws, which takes no reason, no ground and no leave.

    Raises `NoSuchConsent`, and `MeterNotThisAccounts` for another meter than its own.
    """
    decided = consents.withdraw(consent.state, withdrawn_at=withdrawn_at, origin=origin)
    return _ending(consent, meter, decided)


def expire(consent: Stream[Consent], meter: Stream[Meter], *, on: date) -> tuple[Change, ...]:
    """Decide to record, on a civil day, that a consent's last day has passed.

    Raises `NoSuchConsent`, `ConsentNotLapsed`, and `MeterNotThisAccounts` for another
    meter than its own.
    """
    return _ending(consent, meter, consents.expire(consent.state, on=on))


def _granted(consent: UUID, ground: Ground, facts: MeterDeclared, wanted: Grant) -> ConsentGranted:
    period = last_day_of(wanted.granted_at, years=wanted.years, last_day=wanted.last_day)
    perimeter = (facts.entry_day, wanted.horizon, wanted.first_day)
    return ConsentGranted(
        consent=consent,
        cites=wanted.cites,
        category=wanted.category,
        last_day=period,
        operator=facts.operator,
        fluid=facts.fluid,
        number=facts.number,
        recipient=wanted.recipient,
        purpose=wanted.purpose,
        granted_at=wanted.granted_at,
        first_data_day=max(day for day in perimeter if day is not None),
        evidence=wanted.evidence,
        holder=wanted.holder,
        account=ground.account.id,
        meter=ground.meter.id,
        agreement=ground.agreement.id,
    )


def _require_grantable(ground: Ground, facts: MeterDeclared, wanted: Grant) -> None:
    accounts.require_active(ground.account.state)
    _require_scope(recipient=wanted.recipient, purpose=wanted.purpose, holder=wanted.holder)
    points.require_category(wanted.category, facts.fluid)
    _require_agreement(ground.agreement, facts, wanted.category, wanted.granted_at)
    require_evidence(wanted.evidence, ground.wording)
    living = meters.living_consent(
        ground.meter.state,
        category=wanted.category,
        recipient=wanted.recipient,
        purpose=wanted.purpose,
    )
    if living is not None:
        raise ConsentAlreadyLives(wanted.category)


def _require_agreement(
    agreement: Stream[Agreement], facts: MeterDeclared, category: Category, at: datetime
) -> None:
    signed = agreement.state.signed
    same_operator = signed is not None and signed.operator == facts.operator
    if not same_operator or not agreements.in_force(agreement.state, at):
        raise NoAgreementInForce(facts.operator, civil_day(at))
    if not agreements.covers_category(agreement.state, category):
        raise CategoryNotInAgreement(facts.operator, category)


def _require_scope(**parts: str) -> None:
    lacking = tuple(name for name, value in parts.items() if not value.strip())
    if lacking:
        raise ScopeMissing(lacking)


def _own_meter(ground: Ground) -> MeterDeclared:
    return require_own(ground.meter, ground.account)


def _ending(
    consent: Stream[Consent], meter: Stream[Meter], decided: Sequence[Event]
) -> tuple[Change, ...]:
    granted = consent.state.granted
    if not decided or granted is None:
        return ()
    if granted.meter != meter.id:
        raise MeterNotThisAccounts
    on_meter = meters.detach(meter.state, consent=consent.id)
    return (
        *_changes(consent.id, decided, granted.account),
        *_changes(meter.id, on_meter, granted.account),
    )


def _changes(stream: UUID, events: Sequence[Event], subject: UUID) -> tuple[Change, ...]:
    return tuple(Change(stream=stream, event=event, subject=subject) for event in events)
