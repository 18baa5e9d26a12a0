"""How long an installation keeps what has a period of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.errors import Refused
from domain.policies.retention import DEFAULTS, Periods
from domain.values import Matter

if TYPE_CHECKING:
    from collections.abc import Mapping

RETENTION: Final = "METROLEDGER_RETENTION"
YEARS_MAX: Final = 20


class NotPeriods(Refused):
    """The setting that says how long data is kept does not."""

    def __init__(self) -> None:
        """Take nothing."""
        known = ", ".join(f"{matter}={years}" for matter, years in DEFAULTS.items())
        super().__init__(
            f"{RETENTION} is whole civil years by matter, each from 1 to {YEARS_MAX}; write some "
            f"of {known} (the defaults), separated by commas, or unset it (manual: retention)"
        )


def read_periods(environment: Mapping[str, str]) -> Periods:
    """Return the periods that an environment states; what it does not name has its default."""
    said = environment.get(RETENTION, "")
    years = dict(DEFAULTS)
    for part in filter(None, (one.strip() for one in said.split(","))):
        name, _, number = part.partition("=")
        known = name in {matter.value for matter in Matter}
        if not known or not number.isdecimal() or not 1 <= int(number) <= YEARS_MAX:
            raise NotPeriods
        years[Matter(name)] = int(number)
    return Periods(years=years)
