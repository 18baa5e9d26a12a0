"""A town for benchmarks: households that consented, settled hundreds to a commit.

The events are those that the portal's commands write, one household after the other; only
here they share a commit and its fsync, so that a metropolis is settled in minutes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis.series import town
from application.offices import Text, publish_text, sign_agreement
from application.residents import email_lookup, meter_lookup
from application.services import collection_id, new_id
from application.transact import Loading
from domain.events import Change
from domain.events.account import AccountOpened, TermsAccepted
from domain.events.agreement import AgreementSigned
from domain.events.collection import CollectionStarted
from domain.events.consent import ConsentGranted, Evidence
from domain.events.meter import ConsentAttached, MeterDeclared
from domain.events.terms import TextKind
from domain.values import Category, Channel, Fluid, civil_day, years_after
from keys.index import Entry
from metroledger.bootstrap import administrator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from adapters.dso.enedis.series import SimulatedMeter
    from keys.index import Lookup
    from metroledger.bootstrap import Installation

SEED: Final = 7
AT_ONCE: Final = 150
"""Households to a commit: their events fill most of a record."""

ENTRY_DAY: Final = date(2024, 1, 1)


def meters(count: int) -> Sequence[SimulatedMeter]:
    """Return meters with ten time classes each: four of the distributor, six of the supplier."""
    return [
        replace(one, distributor=4, supplier=6, known_calendar=True) for one in town(SEED, count)
    ]


def settle(
    installation: Installation,
    numbers: Sequence[str],
    tell: Callable[[int], None] = lambda _: None,
    entry_day: date = ENTRY_DAY,
) -> list[tuple[UUID, UUID]]:
    """Settle a household a meter, each with a consent to its daily index and a collection.

    From `entry_day` on. Return each one's account and consent.
    """
    settler = _Settler(installation, entry_day)
    homes = []
    for start in range(0, len(numbers), AT_ONCE):
        homes += settler.settle(numbers[start : start + AT_ONCE])
        tell(len(homes))
    return homes


class _Settler:
    def __init__(self, installation: Installation, entry_day: date) -> None:
        self._entry_day = entry_day
        self._services = installation.services
        self._texts = _found(installation)
        self._agreement = next(iter(self._services.register.read().agreements))

    def settle(self, numbers: Sequence[str]) -> list[tuple[UUID, UUID]]:
        services, command = self._services, new_id()
        changes: list[Change] = []
        entries: list[tuple[Lookup, Entry]] = []
        homes: list[tuple[UUID, UUID]] = []
        for number in numbers:
            account, meter, consent = new_id(), new_id(), new_id()
            changes += self._household(number, account, meter, consent)
            homes.append((account, consent))
            entries.append((email_lookup(f"{number}@example.org"), Entry(account, account)))
            entries.append((meter_lookup("enedis", "electricity", number), Entry(account, meter)))
        services.keys.index.reserve_many(entries, command)
        ledger, context = services.ledger, services.context()
        ledger.carry(command, lambda: ledger.propose(command, Loading(ledger), changes, context))
        services.keys.index.confirm(command)
        return homes

    def _household(
        self, number: str, account: UUID, meter: UUID, consent: UUID
    ) -> Iterator[Change]:
        now = self._services.clock()
        terms, wording = self._texts
        fluid, recipient, purpose = Fluid.ELECTRICITY, "metropole", "consumption_view"
        opened = AccountOpened(name=f"Foyer {number}", email=f"{number}@example.org", language="fr")
        accepted = TermsAccepted(terms=terms, version="1", sha256="0" * 64)
        declared = MeterDeclared(
            account=account,
            operator="enedis",
            fluid=fluid,
            number=number,
            entry_day=self._entry_day,
            power_kva=9,
        )
        granted = ConsentGranted(
            consent=consent,
            cites=self._services.register.read().cites[self._agreement],
            category=Category.DAILY_INDEX,
            last_day=years_after(civil_day(now), 3),
            granted_at=now,
            first_data_day=self._entry_day,
            evidence=Evidence(
                channel="bench",
                wording=wording,
                wording_version="1",
                sha256="0" * 64,
                language="fr",
                act="bench",
            ),
            holder="Foyer",
            account=account,
            meter=meter,
            agreement=self._agreement,
            operator="enedis",
            fluid=fluid,
            number=number,
            recipient=recipient,
            purpose=purpose,
        )
        attached = ConsentAttached(
            consent=consent, category=Category.DAILY_INDEX, recipient=recipient, purpose=purpose
        )
        started = CollectionStarted(consent=consent, channel=Channel.SGE, started_at=now)
        running = collection_id(consent, Channel.SGE)
        for stream, event in (
            (account, opened),
            (account, accepted),
            (meter, declared),
            (meter, attached),
            (consent, granted),
            (running, started),
        ):
            yield Change(stream=stream, event=event, subject=account)


def _found(installation: Installation) -> tuple[UUID, UUID]:
    """Publish what residents are shown, sign with the operator; return the texts' streams."""
    services, actor = installation.services, administrator(installation)
    today = civil_day(services.clock())
    signed = AgreementSigned(
        operator="enedis",
        reference="bench",
        channels=(Channel.SGE,),
        categories=(Category.DAILY_INDEX,),
        first_day=today - timedelta(days=800),
        last_day=today + timedelta(days=800),
    )
    sign_agreement(services, actor, signed)
    text = Text(version="1", language="fr", text="Le texte.")
    return (
        publish_text(services, actor, TextKind.TERMS_OF_USE, text),
        publish_text(services, actor, TextKind.CONSENT_WORDING, text),
    )
