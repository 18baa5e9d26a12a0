"""What a resident may be asked about a meter: one act a category and recipient.

What is asked is what the operator's agreement in force covers and the meter has; the answer
rests on the published wording in its current version, which the page shows whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.offices import Text, agreement_in_force, current_text
from domain.aggregates.consent import ConsentStatus
from domain.events.terms import TextKind
from domain.policies.points import CATEGORIES
from domain.values import Category, Fluid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from application.services import Services
    from application.views import ConsentView, MeterView, Overview

LANGUAGE: Final = "fr"
RECIPIENT: Final = "metropole"
PURPOSE: Final = "consumption_view"
YEARS: Final = 1
"""How long a consent lasts, as the wording says."""

SLUGS: Final = {
    Category.DAILY_INDEX: "index-quotidien",
    Category.LOAD_CURVE: "courbe-de-charge",
    Category.MAXIMUM_POWER: "puissance-maximale",
    Category.CONTRACT: "contrat",
}
_CATEGORY_OF: Final = {slug: category for category, slug in SLUGS.items()}
_LIVING: Final = {ConsentStatus.GRANTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to be asked, and the latest answer to it, None before any."""

    meter: MeterView
    category: Category
    answer: ConsentView | None

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"/compteurs/{self.meter.id}/accord/{SLUGS[self.category]}"

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered it yet."""
        return self.answer is None

    @property
    def is_granted(self) -> bool:
        """Whether a yes is in force."""
        return self.answer is not None and self.answer.status in _LIVING


def questions(services: Services, seen: Overview) -> list[Question]:
    """Return all that may be asked of an account, meter by meter."""
    return [one for meter in seen.meters for one in _of_meter(services, meter, seen.consents)]


def find(asked: Iterable[Question], meter: object, slug: str) -> Question | None:
    """Return one question, None where it may not be asked."""
    category = _CATEGORY_OF.get(slug)
    return next((q for q in asked if q.meter.id == meter and q.category is category), None)


def wording(services: Services) -> Text | None:
    """Return what is shown before an answer: the published text, None before there is one."""
    return current_text(services, TextKind.CONSENT_WORDING, language=LANGUAGE)


def _of_meter(
    services: Services, meter: MeterView, consents: Iterable[ConsentView]
) -> list[Question]:
    if meter.left_on is not None:
        return []
    agreed = agreement_in_force(services, meter.operator, services.clock())
    signed = services.register.read().agreements[agreed].signed if agreed else None
    here = [one for one in consents if one.meter == meter.id and one.recipient == RECIPIENT]
    return [
        Question(meter=meter, category=category, answer=_latest(here, category))
        for category in (signed.categories if signed else ())
        if category in CATEGORIES[Fluid(meter.fluid)]
    ]


def _latest(consents: Iterable[ConsentView], category: Category) -> ConsentView | None:
    found = [one for one in consents if one.category is category]
    return max(found, key=lambda one: one.answered_at, default=None)
