"""How fresh what is collected is: for each collection that runs, the last day that came, and why.

A day's indexes come by the second night after it (guide Enedis.SGE.GUI.0317), so day D that
is not there on D+3 is late. Days are told, never values; a meter is named by its random id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Final

from domain.aggregates.collection import CollectionStatus
from domain.values import civil_day, midnight, next_day
from ledger.readings import first_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from application.services import Services
    from domain.values import Category, Channel
    from projections.entries import Entry
    from projections.standing import Standing

DUE_AFTER: Final = timedelta(days=3)
"""A day is late when it is not there so long after it began."""


class Freshness(StrEnum):
    """How a collection goes."""

    FRESH = "fresh"
    LATE = "late"
    MISSING = "missing"
    """Nothing came since it began, and it is time."""
    AWAITED = "awaited"
    """Nothing came yet, and it is not time."""
    SUSPENDED = "suspended"


class Why(StrEnum):
    """Why something is late or missing, as far as we can tell."""

    NO_DELIVERY = "no_delivery"
    """The operator delivered nothing of that day to anybody here."""
    NOT_IN_DELIVERIES = "not_in_deliveries"
    """The operator delivered, without this day of this meter."""
    REFUSED = "refused"
    """The operator refused, and it is not known why yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFreshness:
    """A collection of one meter's data: since when, the last day that came, and its state."""

    meter: UUID
    consent: UUID
    operator: str
    category: Category
    channel: Channel
    since: date
    last_day: date | None
    state: Freshness
    why: Why | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some collections, and after which account the next ones are; None at the end."""

    collections: tuple[MeterFreshness, ...]
    following: UUID | None


def freshness(services: Services, *, after: UUID | None = None, accounts: int = 50) -> Batch:
    """Return how collections go, of so many accounts after a given one."""
    held = [one for one, _ in islice(services.shown.store.everything(after), accounts)]
    latest = services.shown.store.received_at()
    found: list[MeterFreshness] = []
    for standing in services.shown.standing_of(held).values():
        found += _of(services, standing, latest)
    return Batch(collections=tuple(found), following=held[-1] if len(held) == accounts else None)


def of_account(services: Services, account: UUID) -> tuple[MeterFreshness, ...]:
    """Return how the collections of one account go."""
    latest = services.shown.store.received_at()
    standing = services.shown.standing_of([account]).get(account)
    return tuple(_of(services, standing, latest)) if standing else ()


def _of(
    services: Services, standing: Standing, latest: datetime | None
) -> Sequence[MeterFreshness]:
    found = []
    for running in standing.collections.values():
        state = running.state
        consent = standing.consents.get(state.consent) if state.consent else None
        granted = consent.state.granted if consent else None
        lives = consent is not None and not consent.ended
        if granted is None or not lives or state.channel is None or state.started_at is None:
            continue
        if state.status is CollectionStatus.STOPPED:
            continue
        last = last_day_of(services.shown.latest(granted.consent))
        since = civil_day(state.started_at)
        verdict, why = judge(
            Collected(
                since=since,
                last_day=last,
                suspended=state.status is CollectionStatus.SUSPENDED,
                delivered_at=latest,
            ),
            services.clock(),
        )
        found.append(
            MeterFreshness(
                meter=granted.meter,
                consent=granted.consent,
                operator=granted.operator,
                category=granted.category,
                channel=state.channel,
                since=since,
                last_day=last,
                state=verdict,
                why=why,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a collection is judged by; `delivered_at` is when anybody's readings last came."""

    since: date
    last_day: date | None
    suspended: bool
    delivered_at: datetime | None


def judge(collected: Collected, now: datetime) -> tuple[Freshness, Why | None]:
    """Return how a collection goes, and why it does not go well."""
    if collected.suspended:
        return Freshness.SUSPENDED, Why.REFUSED
    due = civil_day(now) - DUE_AFTER
    wanted = collected.since if collected.last_day is None else next_day(collected.last_day)
    if wanted > due:
        fresh = collected.last_day is not None
        return (Freshness.FRESH if fresh else Freshness.AWAITED), None
    state = Freshness.MISSING if collected.last_day is None else Freshness.LATE
    sent = collected.delivered_at is not None and collected.delivered_at >= midnight(
        next_day(wanted)
    )
    return state, Why.NOT_IN_DELIVERIES if sent else Why.NO_DELIVERY


def last_day_of(entries: Sequence[Entry]) -> date | None:
    """Return the last day that readings tell of: an index at midnight closes the day before."""
    days = [_day_told(entry) for entry in entries]
    return max(days, default=None)


def _day_told(entry: Entry) -> date:
    reading = entry.reading
    day = first_day(reading)
    closes = getattr(reading, "at", None) == midnight(day)
    return day - timedelta(days=1) if closes else day
