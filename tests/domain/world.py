"""A small world to decide in: one operator, one home, one wording, and its streams.

`Streams` folds what was decided and hands policies the streams they ask for;
`given(machine, *events).when(decide).then(*events)` says one decision as a sentence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from domain.aggregates import account, agreement, collection, consent, meter, terms
from domain.aggregates.account import Account
from domain.aggregates.agreement import Agreement
from domain.aggregates.collection import Collection
from domain.aggregates.consent import Consent
from domain.aggregates.meter import Meter
from domain.aggregates.terms import Terms
from domain.errors import Refused
from domain.events import Change, Event
from domain.events.account import AccountOpened, TermsAccepted
from domain.events.agreement import AgreementSigned
from domain.events.consent import Evidence
from domain.events.meter import MeterDeclared
from domain.events.terms import TextKind
from domain.policies.collection import Start, start_collection
from domain.policies.consent import Grant, Ground, grant
from domain.values import Category, Channel, Fluid, Point, Stream

ACCOUNT, NEIGHBOUR = UUID(int=0xA0), UUID(int=0xA1)
METER = UUID(int=0xB0)
AGREEMENT, WORDING, TERMS = UUID(int=0xC0), UUID(int=0xC1), UUID(int=0xC2)
CONSENT, OTHER_CONSENT, COLLECTION = UUID(int=0xD0), UUID(int=0xD1), UUID(int=0xD2)
REQUEST = UUID(int=0xE0)
MEMBER, OTHER_MEMBER = UUID(int=0xF0), UUID(int=0xF1)

NOON = datetime(2024, 5, 14, 10, 0, tzinfo=UTC)
ENTRY_DAY = date(2023, 9, 1)
POINT = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number="01234567890123")
TEXT = "J'autorise la Métropole à collecter mes index quotidiens."

OPENED = AccountOpened(name="Camille Durand", email="camille@example.org", language="fr")
ACCEPTED = TermsAccepted(terms=TERMS, version="1", sha256=terms.sha256_of(TEXT))
SIGNED = AgreementSigned(
    operator="enedis",
    reference="2024/17",
    channels=(Channel.SGE, Channel.DATA_CONNECT),
    categories=(Category.DAILY_INDEX, Category.MAXIMUM_POWER),
    first_day=date(2024, 1, 1),
    last_day=date(2029, 12, 31),
)
DECLARED = MeterDeclared(
    account=ACCOUNT,
    operator=POINT.operator,
    fluid=POINT.fluid,
    number=POINT.number,
    entry_day=ENTRY_DAY,
    power_kva=6,
)
EVIDENCE = Evidence(
    channel="portal",
    wording=WORDING,
    wording_version="1",
    sha256=terms.sha256_of(TEXT),
    language="fr",
    act="button pressed",
)
GRANT = Grant(
    cites="bGVhZg",
    category=Category.DAILY_INDEX,
    recipient="metropolis",
    purpose="follow-up",
    granted_at=NOON,
    evidence=EVIDENCE,
    holder="Camille Durand",
    years=1,
)
START = Start(channel=Channel.SGE, started_at=NOON)


@dataclass(slots=True)
class Streams:
    """Every stream of the world, as its events left it."""

    states: dict[UUID, Any] = field(default_factory=dict)

    def account(self, stream: UUID = ACCOUNT) -> Stream[Account]:
        return Stream(stream, self.states.get(stream, account.INITIAL))

    def agreement(self, stream: UUID = AGREEMENT) -> Stream[Agreement]:
        return Stream(stream, self.states.get(stream, agreement.INITIAL))

    def meter(self, stream: UUID = METER) -> Stream[Meter]:
        return Stream(stream, self.states.get(stream, meter.INITIAL))

    def consent(self, stream: UUID = CONSENT) -> Stream[Consent]:
        return Stream(stream, self.states.get(stream, consent.INITIAL))

    def collection(self, stream: UUID = COLLECTION) -> Stream[Collection]:
        return Stream(stream, self.states.get(stream, collection.INITIAL))

    def terms(self, stream: UUID = WORDING) -> Stream[Terms]:
        return Stream(stream, self.states.get(stream, terms.INITIAL))

    def ground(self, meter_id: UUID = METER, account_id: UUID = ACCOUNT) -> Ground:
        return Ground(
            account=self.account(account_id),
            meter=self.meter(meter_id),
            agreement=self.agreement(),
            wording=self.terms(),
        )

    def append(self, changes: Iterable[Change]) -> None:
        """Fold what was decided, each event by the machine whose table knows it."""
        for change in changes:
            machine = machine_of(type(change.event))
            state = self.states.get(change.stream, machine.INITIAL)
            self.states[change.stream] = machine.evolve(state, change.event)

    def happened(self, stream: UUID, *events: Event) -> None:
        self.append(Change(stream=stream, event=event) for event in events)


MACHINES = (account, agreement, terms, meter, consent, collection)


def machine_of(kind: type[Event]) -> ModuleType:
    """Return the machine whose table knows an event."""
    for machine in MACHINES:
        if any(kind in moves for moves in machine.TRANSITIONS.values()):
            return machine
    raise LookupError(kind)


def ready() -> Streams:
    """A home whose account may grant: agreement signed, wording published, meter declared."""
    streams = Streams()
    streams.happened(AGREEMENT, SIGNED)
    kind = TextKind.CONSENT_WORDING
    wording = terms.publish(terms.INITIAL, kind=kind, version="1", language="fr", text=TEXT)
    streams.happened(WORDING, *wording)
    streams.happened(ACCOUNT, OPENED, ACCEPTED)
    streams.happened(METER, DECLARED)
    return streams


def granted() -> Streams:
    """The same home, when its holder has consented."""
    streams = ready()
    streams.append(grant(streams.consent(), streams.ground(), GRANT))
    return streams


def start(streams: Streams, wanted: Start = START) -> tuple[Change, ...]:
    """Decide the start of the home's collection."""
    return start_collection(
        streams.collection(), streams.consent(), streams.agreement(), streams.meter(), wanted
    )


def collecting() -> Streams:
    """The same home, when its index is collected over SGE."""
    streams = granted()
    streams.append(start(streams))
    return streams


@dataclass(frozen=True, slots=True)
class Situation:
    """A stream as some events left it; `decided` is what the last command answered."""

    machine: ModuleType
    state: Any
    decided: tuple[Event, ...] = ()

    def when(self, decide: Callable[[Any], tuple[Event, ...]]) -> "Situation":
        decided = decide(self.state)
        state = self.state
        for event in decided:
            state = self.machine.evolve(state, event)
        assert decide(state) == (), "a command that is sent again changes nothing"
        return Situation(self.machine, state, decided)

    def then(self, *events: Event) -> "Situation":
        assert self.decided == events
        return self

    def then_nothing(self) -> "Situation":
        return self.then()

    def refuses(
        self, refusal: type[Refused], decide: Callable[[Any], tuple[Event, ...]]
    ) -> "Situation":
        with pytest.raises(refusal):
            decide(self.state)
        return self


def given(machine: ModuleType, *events: Event) -> Situation:
    """A stream that these events happened to."""
    state = machine.INITIAL
    for event in events:
        state = machine.evolve(state, event)
    return Situation(machine, state)
