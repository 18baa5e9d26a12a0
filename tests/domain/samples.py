"""One example of every event, and every state that a machine can be walked to with them."""

from collections.abc import Iterator
from datetime import date, timedelta
from types import ModuleType
from typing import Any, TypeVar

from domain.aggregates.machine import Table
from domain.events import Event
from domain.events.access import DataSeen, Reason, Seen
from domain.events.account import (
    AccountErased,
    AccountErasedV1,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
)
from domain.events.agreement import AgreementEnded
from domain.events.collection import (
    CollectionResumed,
    CollectionStarted,
    CollectionStopped,
    CollectionSuspended,
)
from domain.events.consent import (
    ConsentExpired,
    ConsentExtended,
    ConsentGranted,
    ConsentRefused,
    ConsentWithdrawn,
)
from domain.events.delivery import DeliveryCompleted, DeliveryParked, DeliveryReceived
from domain.events.destruction import KeysDestroyed, PastErasureAskedAgain, PastErasureRequested
from domain.events.letter import LetterSent
from domain.events.meter import (
    ConsentAttached,
    ConsentDetached,
    ContractFactsReceived,
    MeterAttested,
    MeterMovedOut,
)
from domain.events.notice import (
    Addressee,
    Cause,
    NoticeAcknowledged,
    NoticeDisregarded,
    NoticeEscalated,
    NoticeExpired,
    NoticeQueued,
    NoticeSent,
    Occasion,
)
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)
from domain.events.retention import RetentionCarriedOut, RetentionOrdered
from domain.events.terms import TermsPublished, TextKind
from domain.values import Category, Channel, Direction, Fluid, Matter, midnight
from tests.domain import world

Kind = TypeVar("Kind", bound=Event)

LATER = world.NOON + timedelta(days=10)
DAY = date(2024, 5, 20)

_READING: dict[str, Any] = {
    "number": world.POINT.number,
    "direction": Direction.CONSUMPTION,
    "device": None,
    "quality": "raw",
}

SAMPLES: tuple[Event, ...] = (
    world.OPENED,
    world.ACCEPTED,
    world.SIGNED,
    world.DECLARED,
    ErasureRequested(request=world.REQUEST, requested_at=world.NOON),
    ErasureRefused(request=world.REQUEST, reason="another person's account"),
    ErasureIdentityChecked(request=world.REQUEST, means="in person", checked_by=world.MEMBER),
    ErasureHeld(request=world.REQUEST, reason="a court asked for the data"),
    ErasureHoldLifted(request=world.REQUEST),
    ErasureTakenBack(request=world.REQUEST),
    ErasureValidated(request=world.REQUEST),
    DestructionOrdered(request=world.REQUEST, keys=3, root="cm9vdA"),
    AccountErasedV1(
        request=world.REQUEST,
        keys=3,
        root="cm9vdA",
        fingerprints="ZnA",
        stores=2,
        epoch=9,
        tree_size_before=10,
        tree_size_after=14,
        legal_basis="GDPR 17(1)(b)",
        not_reached=(),
    ),
    AccountErased(
        request=world.REQUEST,
        keys=3,
        root="cm9vdA",
        fingerprints="ZnA",
        stores=2,
        epoch=9,
        tree_size_before=10,
        tree_size_after=14,
        legal_basis="GDPR 17(1)(b)",
        not_reached=(),
        asked_as="resident",
        checked_as="administrator",
        validated_as="administrator",
        carried_out_as="system",
    ),
    PastErasureRequested(request=world.OTHER_CONSENT, meter=world.METER, requested_at=world.NOON),
    PastErasureAskedAgain(again=world.REQUEST, request=world.OTHER_CONSENT),
    KeysDestroyed(
        request=world.REQUEST,
        keys=3,
        root="cm9vdA",
        fingerprints="ZnA",
        stores=1,
        epoch=9,
        tree_size_before=10,
        tree_size_after=14,
        legal_basis="GDPR 17(1)(b)",
        not_reached=(),
        asked_as="resident",
        carried_out_as="system",
    ),
    DataSeen(
        what=Seen.NAME_AND_EMAIL,
        why=Reason.ERASURE_REQUEST,
        role="administrator",
        seen_at=world.NOON,
    ),
    NoticeQueued(
        request=world.REQUEST,
        recipient="enedis",
        addressee=Addressee.OPERATOR,
        queued_on=DAY,
        kept_days=90,
    ),
    NoticeSent(times=1, occasion=Occasion.FIRST, sent_on=DAY),
    NoticeEscalated(cause=Cause.UNANSWERED, escalated_on=DAY),
    NoticeDisregarded(rows=3, came_on=DAY),
    NoticeAcknowledged(acknowledged_on=DAY),
    NoticeExpired(expired_on=DAY),
    LetterSent(about=world.REQUEST),
    AgreementEnded(reason="its term"),
    TermsPublished(
        kind=TextKind.CONSENT_WORDING, version="1", language="fr", text="x", sha256="0" * 64
    ),
    MeterAttested(reference="A1"),
    ContractFactsReceived(from_day=DAY, power_kva=9, tariff="BASE"),
    ConsentAttached(
        consent=world.CONSENT,
        category=Category.DAILY_INDEX,
        recipient="metropolis",
        purpose="follow-up",
    ),
    ConsentDetached(consent=world.CONSENT),
    MeterMovedOut(last_day=DAY),
    ConsentGranted(
        consent=world.CONSENT,
        cites="bGVhZg",
        category=Category.DAILY_INDEX,
        last_day=date(2025, 5, 14),
        operator="enedis",
        fluid=Fluid.ELECTRICITY,
        number=world.POINT.number,
        recipient="metropolis",
        purpose="follow-up",
        granted_at=world.NOON,
        first_data_day=world.ENTRY_DAY,
        evidence=world.EVIDENCE,
        holder="Camille Durand",
        account=world.ACCOUNT,
        meter=world.METER,
        agreement=world.AGREEMENT,
    ),
    ConsentExtended(
        consent=world.CONSENT,
        last_day=date(2026, 5, 14),
        extended_at=LATER,
        evidence=world.EVIDENCE,
    ),
    ConsentWithdrawn(consent=world.CONSENT, withdrawn_at=LATER, origin="resident"),
    ConsentRefused(
        consent=world.CONSENT,
        category=Category.DAILY_INDEX,
        recipient="metropolis",
        purpose="follow-up",
        refused_at=world.NOON,
        evidence=world.EVIDENCE,
        account=world.ACCOUNT,
        meter=world.METER,
    ),
    ConsentExpired(consent=world.CONSENT, expired_on=date(2025, 5, 15)),
    CollectionStarted(consent=world.CONSENT, channel=Channel.SGE, started_at=world.NOON),
    CollectionSuspended(consent=world.CONSENT, code="ADAM-DC-0008", suspended_at=LATER),
    CollectionResumed(consent=world.CONSENT, resumed_at=LATER),
    CollectionStopped(consent=world.CONSENT, reason="withdrawn", stopped_at=LATER),
    DeliveryReceived(
        cites="bGVhZg",
        operator="enedis",
        channel=Channel.SGE,
        flow="R151",
        part=1,
        parts=1,
        readings=1,
        root="cm9vdA",
        counts={},
    ),
    DeliveryCompleted(parts=1, rows=1),
    DeliveryParked(
        operator="enedis", channel=Channel.SGE, flow="R151", reason="no_key_fits", kept_days=30
    ),
    IndexReceived(at=midnight(DAY), reference=None, registers=(), **_READING),
    IntervalReceived(
        start=midnight(DAY),
        end=midnight(DAY + timedelta(days=1)),
        status=None,
        energy_wh=8000,
        volume_dm3=1000,
        coefficient="11.16",
        index_start_dm3=None,
        index_end_dm3=None,
        **_READING,
    ),
    LoadCurveDayReceived(day=DAY, reference=None, runs=(), **_READING),
    RetentionOrdered(matter=Matter.LOAD_CURVE, last_year=2023, keys=3, root="cm9vdA"),
    RetentionCarriedOut(
        keys=3,
        root="cm9vdA",
        fingerprints="ZnA",
        stores=1,
        epoch=9,
        tree_size_before=10,
        tree_size_after=14,
        legal_basis="GDPR 5(1)(e)",
        not_reached=(),
    ),
    MaximumPowerReceived(day=DAY, at=None, reference=None, power=3817, unit="VA", **_READING),
)

SAMPLE_OF: dict[type[Event], Event] = {type(event): event for event in SAMPLES}


def sample(kind: type[Kind]) -> Kind:
    """Return the example of an event."""
    event = SAMPLE_OF[kind]
    assert isinstance(event, kind)
    return event


def histories(machine: ModuleType) -> dict[Any, tuple[Event, ...]]:
    """Return, for every state of a machine, a shortest history that leads to it."""
    table: Table[Any] = machine.TRANSITIONS
    found: dict[Any, tuple[Event, ...]] = {machine.INITIAL.status: ()}
    waiting = [machine.INITIAL.status]
    while waiting:
        status = waiting.pop(0)
        for kind, following in table[status].items():
            if following not in found:
                found[following] = (*found[status], SAMPLE_OF[kind])
                waiting.append(following)
    return found


def moves(machine: ModuleType) -> Iterator[tuple[Any, type[Event], Any]]:
    """Yield every arrow of a machine's picture: from, by, to."""
    for status, following in machine.TRANSITIONS.items():
        for kind, to in following.items():
            yield status, kind, to
