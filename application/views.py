"""How an account, its meters and its consents look to their holder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.aggregates.consent import ConsentStatus
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import date, datetime
    from uuid import UUID

    from domain.aggregates.account import AccountStatus
    from domain.aggregates.consent import Consent
    from domain.aggregates.meter import Meter
    from domain.events.consent import ConsentGranted
    from domain.events.destruction import PastErasureRequested
    from domain.events.meter import MeterDeclared
    from domain.values import Category
    from projections.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """A meter as its holder sees it; `power_kva` in kVA, None when nobody said."""

    id: UUID
    operator: str
    fluid: str
    number: str
    entry_day: date
    power_kva: int | None
    attested: bool
    left_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """A consent as its holder sees it. `status` tells an expiry by its date, event or not.

    `withdrawn_at` is None too where the withdrawal still waits for the log.
    """

    id: UUID
    meter: UUID
    status: ConsentStatus
    category: Category
    recipient: str
    purpose: str
    answered_at: datetime
    first_data_day: date | None
    last_day: date | None
    withdrawn_at: datetime | None
    wording_version: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """An account as its holder sees it.

    `terms_accepted` and `terms_current` are versions, None for none; where they differ,
    nothing is shown before the current one is accepted (`must_accept`). `pasts` are the requests
    to erase what was measured at a meter, `pasts_kept` the meters of those that wait for the log.
    """

    account: UUID
    name: str
    email: str
    language: str
    status: AccountStatus
    terms_accepted: str | None
    terms_current: str | None
    meters: tuple[MeterView, ...]
    consents: tuple[ConsentView, ...]
    pasts: tuple[PastErasureRequested, ...] = ()
    pasts_kept: frozenset[UUID] = frozenset()

    def erased_on(self, meter: UUID) -> date | None:
        """Return the day on which a meter's past was last asked to be erased; None for never."""
        return max(
            (civil_day(p.requested_at) for p in self.pasts if p.meter == meter), default=None
        )

    def standing(self, *categories: Category) -> list[ConsentView]:
        """Return the consents to these categories that stand."""
        return [
            one
            for one in self.consents
            if one.status is ConsentStatus.GRANTED and one.category in categories
        ]

    @property
    def must_accept(self) -> bool:
        """Whether the terms in force are still to be accepted."""
        return self.terms_current is not None and self.terms_accepted != self.terms_current


def _status(state: Consent, today: date, *, withdrawn: bool) -> ConsentStatus:
    """Return how a consent stands for its holder: its last day and an act that waits included."""
    if state.status is not ConsentStatus.GRANTED:
        return state.status
    if withdrawn:
        return ConsentStatus.WITHDRAWN
    return ConsentStatus.EXPIRED if (state.last_day or today) < today else state.status


def meters_of(standing: Standing) -> Iterator[MeterView]:
    """Yield an account's meters as their holder sees them."""
    for stream, placed in standing.meters.items():
        if placed.state.declared is not None:
            yield _meter(stream, placed.state, placed.state.declared)


def _meter(stream: UUID, state: Meter, declared: MeterDeclared) -> MeterView:
    return MeterView(
        id=stream,
        operator=declared.operator,
        fluid=declared.fluid,
        number=declared.number,
        entry_day=declared.entry_day,
        power_kva=declared.power_kva,
        attested=state.attestation is not None,
        left_on=state.last_day,
    )


def consents_of(standing: Standing, waiting: Container[UUID], today: date) -> Iterator[ConsentView]:
    """Yield an account's consents and refusals.

    `waiting` are those withdrawn beside the log, and meters whose past is to be erased.
    """
    for stream, placed in standing.consents.items():
        state = placed.state
        if state.granted is not None:
            yield ConsentView(
                id=stream,
                meter=state.granted.meter,
                status=_status(
                    state, today, withdrawn=stream in waiting or state.granted.meter in waiting
                ),
                category=state.granted.category,
                recipient=state.granted.recipient,
                purpose=state.granted.purpose,
                answered_at=state.granted.granted_at,
                first_data_day=state.granted.first_data_day,
                last_day=state.last_day,
                withdrawn_at=state.withdrawn_at,
                wording_version=state.granted.evidence.wording_version,
                language=state.granted.evidence.language,
            )
        elif state.refused is not None:
            yield ConsentView(
                id=stream,
                meter=state.refused.meter,
                status=state.status,
                category=state.refused.category,
                recipient=state.refused.recipient,
                purpose=state.refused.purpose,
                answered_at=state.refused.refused_at,
                first_data_day=None,
                last_day=None,
                withdrawn_at=None,
                wording_version=state.refused.evidence.wording_version,
                language=state.refused.evidence.language,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What `authorise` allows: the readings of one consent, from its first day on."""

    consent: UUID
    granted: ConsentGranted
    ended: bool
