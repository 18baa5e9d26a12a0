"""One operator's agreement with the metropolis, for one period. Public."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from domain.events.base import Event
from domain.values import Category, Channel


class AgreementSigned(Event, frozen=True, kw_only=True):
    """An operator and the metropolis agreed on what may be collected, and until when.

    `reference` is the parties' own name of the document; days are inclusive.
    """

    TOPIC: ClassVar[str] = "AgreementSigned.v1"

    operator: str
    reference: str
    channels: tuple[Channel, ...]
    categories: tuple[Category, ...]
    first_day: date
    last_day: date


class AgreementEnded(Event, frozen=True, kw_only=True):
    """The agreement stopped having effect; nothing is collected under it any more."""

    TOPIC: ClassVar[str] = "AgreementEnded.v1"
    ENDS: ClassVar[bool] = True

    reason: str
