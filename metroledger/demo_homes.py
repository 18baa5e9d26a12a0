"""The homes of the portal's demo: each of a kind that the founding metropolis has.

Their meters are simulated and their people are nobody. Each has a year of history, from the
operator's answer to a request for it; the last nights come as the operator pushes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.dso.enedis.names import HistoricName, format_name
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import historic_csv
from application import consenting, erasure, offices, residents
from application.access import passwords
from application.consenting import Wish
from domain.aggregates.consent import Origin
from domain.events.agreement import AgreementSigned
from domain.events.terms import TextKind
from domain.values import Category, Channel, Fluid, Point, civil_day
from metroledger.bootstrap import administrator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from importlib.resources.abc import Traversable

    from adapters.dso.enedis.series import SimulatedMeter
    from metroledger.bootstrap import Installation

SEED: Final = 7
STRANGERS: Final = 33
"""Meters of the operator's files that nobody here declared."""

PASSWORD: Final = "une phrase de passe"  # noqa: S105 (the demo's, printed for everybody)
VERSION: Final = "1"
HISTORY: Final = timedelta(days=380)
LIVE_NIGHTS: Final = 8
"""The last nights, which the operator pushes while somebody watches."""

GAP: Final = timedelta(days=12)
"""Between two deliveries: the days in it are measured together."""

LATE: Final = timedelta(days=75)
"""Into the history, where nothing was measured yet."""


class Story(StrEnum):
    """What is to be seen of a home."""

    WHOLE = "whole"
    GAP = "gap"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home, before it has a meter; `title` is printed, in French."""

    title: str
    name: str
    email: str
    power_kva: int
    categories: tuple[Category, ...] = (Category.DAILY_INDEX,)
    story: Story = Story.WHOLE


BOTH: Final = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)

HOMES: Final = (
    Home(
        title="maison individuelle",
        name="Camille Martin",
        email="camille@example.org",
        power_kva=9,
        categories=BOTH,
    ),
    Home(title="appartement", name="Nadia Benali", email="nadia@example.org", power_kva=6),
    Home(
        title="copropriété (parties communes)",
        name="Copropriété Les Tilleuls",
        email="tilleuls@example.org",
        power_kva=36,
    ),
    Home(
        title="bâtiment public (école)",
        name="École Jean-Macé",
        email="ecole@example.org",
        power_kva=36,
    ),
    Home(
        title="appartement, avec des jours non mesurés, d’autres mesurés ensemble",
        name="Louis Perrin",
        email="louis@example.org",
        power_kva=6,
        story=Story.GAP,
    ),
    Home(
        title="maison, accord retiré à l’instant",
        name="Rosa Ferreira",
        email="rosa@example.org",
        power_kva=9,
        story=Story.WITHDRAWN,
    ),
    Home(
        title="appartement, compte effacé",
        name="Paul Durand",
        email="paul@example.org",
        power_kva=6,
        story=Story.ERASED,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A home with its account and its consents."""

    home: Home
    meter: SimulatedMeter
    account: UUID
    consents: tuple[UUID, ...]


def meters() -> Sequence[SimulatedMeter]:
    """Return the meters of the town, the homes' first."""
    return [
        replace(one, distributor=4 if place % 2 else 2, known_calendar=True)
        for place, one in enumerate(town(SEED, len(HOMES) + STRANGERS))
    ]


def last_live_day(today: date) -> date:
    """Return the last day that the operator may have measured and sent by now."""
    return today - timedelta(days=3)


def found(installation: Installation, texts: Sequence[Traversable]) -> None:
    """Publish what residents are shown, and sign with the operator."""
    services, actor = installation.services, administrator(installation)
    kinds = {"terms": TextKind.TERMS_OF_USE, "consent": TextKind.CONSENT_WORDING}
    for text in texts:
        kind = kinds[text.name.split(".")[0]]
        wanted = offices.Text(version=VERSION, language="fr", text=text.read_text("utf-8"))
        offices.publish_text(services, actor, kind, wanted)
    today = civil_day(services.clock())
    offices.sign_agreement(
        services,
        actor,
        AgreementSigned(
            operator="enedis",
            reference="Convention 2025-114",
            channels=(Channel.SGE,),
            categories=BOTH,
            first_day=today - timedelta(days=730),
            last_day=today + timedelta(days=3_650),
        ),
    )


def settle(installation: Installation, home: Home, meter: SimulatedMeter) -> Settled:
    """Open a home's account with the demo's password, declare its meter, and consent."""
    services, store = installation.services, installation.access
    account = residents.open_account(services, name=home.name, email=home.email, language="fr")
    passwords.keep(services, store, account, PASSWORD)
    residents.accept(services, account, version=VERSION, language="fr")
    declared = residents.declare_meter(
        services,
        account,
        Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=meter.number),
        entry_day=civil_day(services.clock()) - HISTORY,
        power_kva=home.power_kva,
    )
    consents = []
    for category in home.categories:
        wish = Wish(
            category=category,
            recipient="metropole",
            purpose="consumption_view",
            holder=home.name,
            channel="demo",
            act="button Accepter",
            wording_version=VERSION,
            language="fr",
            years=1,
        )
        consents.append(consenting.grant_consent(services, account, declared, wish))
        consenting.start(services, consents[-1], Channel.SGE)
    return Settled(home=home, meter=meter, account=account, consents=tuple(consents))


def history_of(settled: Settled, place: int, today: date) -> list[tuple[str, bytes]]:
    """Return the files of a home's history: names and contents."""
    first = today - HISTORY
    last = last_live_day(today) - timedelta(days=LIVE_NIGHTS)
    spans = [(first, last)]
    if settled.home.story is Story.GAP:
        begins = last - timedelta(days=40)
        spans = [(first + LATE, begins), (begins + GAP, last)]
    return [
        (
            format_name(HistoricName(request=f"DEMO{place}{number}"), extension="csv"),
            historic_csv(SEED, settled.meter, *span),
        )
        for number, span in enumerate(spans)
    ]


def live_out(
    installation: Installation, homes: Sequence[Settled], say: Callable[[str], None]
) -> None:
    """Let the stories happen that end something: a withdrawal, an erasure."""
    services, actor = installation.services, administrator(installation)
    for settled in homes:
        if settled.home.story is Story.WITHDRAWN:
            for consent in settled.consents:
                consenting.withdraw_consent(services, consent, origin=Origin.RESIDENT)
            say(f"{settled.home.title}: withdrawn")
        elif settled.home.story is Story.ERASED:
            erasure.request(services, settled.account, residents.resident(settled.account))
            erasure.check_identity(services, settled.account, actor, means="command line")
            erasure.validate(services, settled.account, actor)
            erasure.erase(services, settled.account, actor)
            say(f"{settled.home.title}: erased, its keys are destroyed")
