"""How long each matter is kept: whole civil years after the one it is of.

Keys are a civil year's (Europe/Paris), so a period of two years keeps what was measured in
2024 until the end of 2026: two years at least, three at most. What is past is destroyed by a
run (`aggregates.retention`), and is not taken in either: a late file cannot bring it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

from domain.values import Category, Matter

DEFAULTS: Final[Mapping[Matter, int]] = MappingProxyType(
    {
        Matter.DAILY_INDEX: 3,
        Matter.LOAD_CURVE: 2,
        Matter.MAXIMUM_POWER: 3,
        Matter.LOOKS: 3,
        Matter.DELIVERIES: 1,
    }
)
"""Years after the one measured: what operators themselves offer, and a consent's three years.

The load curve, which tells most of a life, is kept least (CNIL v EDF and Engie, 2020). A
delivery's name must outlive New Year, or a file sent again would be a new one.
"""

MATTER_OF: Final[Mapping[Category, Matter]] = MappingProxyType(
    {
        Category.DAILY_INDEX: Matter.DAILY_INDEX,
        Category.LOAD_CURVE: Matter.LOAD_CURVE,
        Category.MAXIMUM_POWER: Matter.MAXIMUM_POWER,
    }
)
"""What readings under a consent are. Contract data is as it stands now: it has no years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How many civil years after its own each matter is kept."""

    years: Mapping[Matter, int] = field(default_factory=lambda: dict(DEFAULTS))

    def last_year_past(self, matter: Matter, today: date) -> int:
        """Return the last civil year whose data is past its period on a day."""
        return today.year - self.years[matter] - 1

    def is_past(self, category: Category, year: int, today: date) -> bool:
        """Tell whether what a category's consent brings of a year is past its period."""
        matter = MATTER_OF.get(category)
        return matter is not None and year <= self.last_year_past(matter, today)
