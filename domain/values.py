"""The words every aggregate uses: energies of the field, days, instants, periods.

Instants are timezone-aware datetimes in UTC; civil days are dates of
Europe/Paris, where French operators and residents live. Periods of days are
closed on both ends because agreements and consents speak so ("until the 3rd
included"); periods of instants are half-open.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from uuid import UUID


PARIS: Final = ZoneInfo("Europe/Paris")
"""Legal time of every French operator."""

State = TypeVar("State")


class Fluid(StrEnum):
    """What a meter measures."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    HEAT = "heat"
    WATER = "water"


class Category(StrEnum):
    """What a consent covers; each is a separate act (CNIL v EDF and Engie, 2020)."""

    DAILY_INDEX = "daily_index"
    LOAD_CURVE = "load_curve"
    MAXIMUM_POWER = "maximum_power"
    CONTRACT = "contract"


class Matter(StrEnum):
    """What has a period of its own, by the civil year it is of."""

    DAILY_INDEX = "daily_index"
    LOAD_CURVE = "load_curve"
    MAXIMUM_POWER = "maximum_power"
    LOOKS = "looks"
    """Who of the staff looked at somebody's data."""
    DELIVERIES = "deliveries"
    """The key by which an operator's files are named: nobody's data, but it could be tried."""


class Direction(StrEnum):
    """Which way energy flows through the point."""

    CONSUMPTION = "consumption"
    PRODUCTION = "production"


class Channel(StrEnum):
    """How an operator's data reaches us."""

    SGE = "sge"
    DATA_CONNECT = "data_connect"
    ADICT = "adict"
    FILE = "file"


class Role(StrEnum):
    """In what capacity somebody acted; the values are stored as they stand here."""

    RESIDENT = "resident"
    ADMINISTRATOR = "administrator"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    OPERATOR = "operator"
    SYSTEM = "system"
    AUDITOR = "auditor"
    SYSTEM_OPERATOR = "system_operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A metering point as its operator names it.

    PRM and PCE numbers both have 14 digits, so a number alone is ambiguous:
    the key is operator, fluid and number.
    """

    operator: str
    fluid: Fluid
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acted, in what role; the id is random and names no one."""

    role: Role
    id: UUID


@dataclass(frozen=True, slots=True)
class Stream(Generic[State]):
    """One stream as a decision sees it: its random id and its folded state."""

    id: UUID
    state: State


@lru_cache(maxsize=4_096)
def civil_day(instant: datetime) -> date:
    """Return the Europe/Paris day that holds an aware instant."""
    return instant.astimezone(PARIS).date()


@lru_cache(maxsize=4_096)
def midnight(day: date) -> datetime:
    """Return the UTC instant at which a Europe/Paris day begins.

    Days of 23 and 25 hours exist: the next midnight is `midnight(next_day(day))`,
    never this one plus 24 hours.
    """
    return datetime.combine(day, time(0), PARIS).astimezone(UTC)


def next_day(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


def month_after(instant: datetime) -> date:
    """Return the last civil day of a month's time that begins with an instant's day.

    The day bearing the same number in the next month, else that month's last (Regulation
    1182/71, article 3(2)(c)); its holidays, which may lengthen it, are left out.
    """
    day = civil_day(instant)
    first = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))


def years_after(day: date, years: int) -> date:
    """Return the day bearing the same number `years` later, else the month's last.

    So a term counted in years ends, at its last day's midnight (French code of
    civil procedure, articles 641 and 642): 29 February becomes 28 February.
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
