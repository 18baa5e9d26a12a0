"""A reading as it is taken in: what decides about it, and its bytes in both encodings.

So whoever reads a file may make these without building the reading itself, where it knows
how (`schemas.alike`); everybody else makes them of the reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.policies.coverage import Measured, measured_of
from ledger.readings import first_day
from schemas import canonical
from schemas.packing import pack
from schemas.registry import KIND_OF

if TYPE_CHECKING:
    from datetime import date

    from domain.events.reading import Reading


class Form(NamedTuple):
    """What was measured of which point, the day it begins on, and its bytes.

    `kind` is the reading's in its leaf; `packed` is what is sealed, `canonical` the JSON
    that is committed to.
    """

    measured: Measured
    day: date
    kind: int
    packed: bytes
    canonical: bytes


def form_of(reading: Reading) -> Form:
    """Return the form of a reading; raise `NotPackable`."""
    return Form(
        measured=measured_of(reading),
        day=first_day(reading),
        kind=KIND_OF[type(reading)],
        packed=pack(reading),
        canonical=canonical.encode(reading),
    )
