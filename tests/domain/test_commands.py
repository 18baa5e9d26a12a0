"""Every command in every state: the event it decides, nothing, or the refusal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import ModuleType
from typing import Any

import msgspec
import pytest

from domain.aggregates import (
    account,
    collection,
    consent,
    delivery,
    leaving,
    meter,
    notice,
    retention,
)
from domain.aggregates.account import AccountStatus as A
from domain.aggregates.collection import CollectionStatus as L
from domain.aggregates.collection import StopReason
from domain.aggregates.consent import ConsentStatus as C
from domain.aggregates.consent import Origin
from domain.aggregates.delivery import DeliveryStatus as D
from domain.aggregates.meter import MeterStatus as M
from domain.aggregates.notice import NoticeStatus as N
from domain.aggregates.retention import RetentionStatus as R
from domain.errors import Refused
from domain.events import Event
from domain.events import account as account_events
from domain.events import collection as collection_events
from domain.events import consent as consent_events
from domain.events import delivery as delivery_events
from domain.events import meter as meter_events
from domain.events import notice as notice_events
from domain.events import retention as retention_events
from tests.domain import world
from tests.domain.samples import DAY, LATER, histories, sample
from tests.domain.world import given

Outcomes = Mapping[Any, Any]
Decide = Callable[[Any], tuple[Event, ...]]
Commands = dict[str, tuple[Decide, Outcomes]]
NOTHING = ()

_OPENED, _INACTIVE = account.AccountNotOpened, account_events.TermsAccepted
_GOING, _GONE = account.AccountUnderErasure, account.AccountErasedAlready
_REQUESTED = account_events.ErasureRequested
_NO_REQUEST = leaving.NoErasureRequested

ACCOUNT: Commands = {
    "open": (
        lambda s: account.open_account(s, world.OPENED),
        {A.UNOPENED: account_events.AccountOpened} | dict.fromkeys(list(A)[1:], NOTHING),
    ),
    "accept": (
        lambda s: account.accept_terms(s, _new_terms()),
        {
            A.UNOPENED: _OPENED,
            A.INACTIVE: _INACTIVE,
            A.ACTIVE: _INACTIVE,
            **dict.fromkeys(account.ASKED, _INACTIVE),
            A.LEAVING: _GOING,
            A.BEING_DESTROYED: _GOING,
            A.ERASED: _GONE,
        },
    ),
    "request erasure": (
        lambda s: leaving.request_erasure(s, request=world.CONSENT, requested_at=world.NOON),
        {A.UNOPENED: _OPENED, A.INACTIVE: _REQUESTED, A.ACTIVE: _REQUESTED}
        | dict.fromkeys(list(A)[3:], NOTHING),
    ),
    "refuse erasure": (
        lambda s: leaving.refuse_erasure(s, request=world.REQUEST, reason="not theirs"),
        {
            A.UNOPENED: _OPENED,
            A.INACTIVE: _NO_REQUEST,
            A.ACTIVE: _NO_REQUEST,
            **dict.fromkeys(account.ASKED, account_events.ErasureRefused),
            A.LEAVING: _GOING,
            A.BEING_DESTROYED: _GOING,
            A.ERASED: _GONE,
        },
    ),
    "validate erasure": (
        lambda s: leaving.validate_erasure(
            _identified(s), request=world.REQUEST, validated_by=world.MEMBER
        ),
        dict.fromkeys([A.UNOPENED, A.INACTIVE, A.ACTIVE], _NO_REQUEST)
        | dict.fromkeys(account.ASKED, account_events.ErasureValidated)
        | dict.fromkeys(account.HELD, leaving.HeldNow)
        | dict.fromkeys([A.LEAVING, A.BEING_DESTROYED, A.ERASED], NOTHING),
    ),
    "check identity": (
        lambda s: leaving.check_identity(s, sample(account_events.ErasureIdentityChecked)),
        dict.fromkeys(A, _NO_REQUEST)
        | dict.fromkeys(account.ASKED, account_events.ErasureIdentityChecked)
        | dict.fromkeys([A.LEAVING, A.BEING_DESTROYED, A.ERASED], NOTHING),
    ),
    "hold erasure": (
        lambda s: leaving.hold_erasure(s, request=world.REQUEST, reason="a court asked"),
        dict.fromkeys(A, _NO_REQUEST)
        | dict.fromkeys(account.ASKED, account_events.ErasureHeld)
        | dict.fromkeys(account.HELD, NOTHING),
    ),
    "lift hold": (
        lambda s: leaving.lift_hold(s, request=world.REQUEST),
        dict.fromkeys(A, _NO_REQUEST)
        | dict.fromkeys(account.ASKED, NOTHING)
        | dict.fromkeys(account.HELD, account_events.ErasureHoldLifted),
    ),
    "take erasure back": (
        lambda s: leaving.take_erasure_back(s, request=world.REQUEST),
        {
            A.UNOPENED: _OPENED,
            A.INACTIVE: NOTHING,
            A.ACTIVE: NOTHING,
            **dict.fromkeys(account.ASKED, account_events.ErasureTakenBack),
            A.LEAVING: _GOING,
            A.BEING_DESTROYED: _GOING,
            A.ERASED: _GONE,
        },
    ),
    "order destruction": (
        lambda s: leaving.order_destruction(s, keys=3, root="cm9vdA"),
        dict.fromkeys(A, leaving.ErasureNotValidated)
        | {A.LEAVING: account_events.DestructionOrdered}
        | dict.fromkeys([A.BEING_DESTROYED, A.ERASED], NOTHING),
    ),
    "erase": (
        lambda s: leaving.erase(s, sample(account_events.AccountErased)),
        dict.fromkeys(A, leaving.DestructionNotOrdered)
        | {A.BEING_DESTROYED: account_events.AccountErased, A.ERASED: NOTHING},
    ),
}


def _identified(state: account.Account) -> account.Account:
    return replace(state, identified=sample(account_events.ErasureIdentityChecked))


def _new_terms() -> account_events.TermsAccepted:
    return account_events.TermsAccepted(terms=world.TERMS, version="2", sha256="1" * 64)


_WITHDRAWN = consent_events.ConsentWithdrawn
_ENDED = [C.WITHDRAWN, C.REFUSED, C.EXPIRED]

CONSENT: Commands = {
    "grant": (
        lambda s: consent.grant(s, sample(consent_events.ConsentGranted)),
        {
            C.UNASKED: consent_events.ConsentGranted,
            C.GRANTED: NOTHING,
            C.WITHDRAWN: NOTHING,
            C.REFUSED: consent.ConsentAnsweredAlready,
            C.EXPIRED: NOTHING,
        },
    ),
    "refuse": (
        lambda s: consent.refuse(s, sample(consent_events.ConsentRefused)),
        dict.fromkeys(C, consent.ConsentAnsweredAlready)
        | {C.UNASKED: consent_events.ConsentRefused, C.REFUSED: NOTHING},
    ),
    "extend": (
        lambda s: consent.extend(s, sample(consent_events.ConsentExtended)),
        {C.UNASKED: consent.NoSuchConsent, C.GRANTED: consent_events.ConsentExtended}
        | dict.fromkeys(_ENDED, consent.ConsentEnded),
    ),
    "withdraw": (
        lambda s: consent.withdraw(s, withdrawn_at=LATER, origin=Origin.RESIDENT),
        {C.UNASKED: consent.NoSuchConsent, C.GRANTED: _WITHDRAWN} | dict.fromkeys(_ENDED, NOTHING),
    ),
    "expire": (
        lambda s: consent.expire(s, on=DAY.replace(year=2025)),
        {C.UNASKED: consent.NoSuchConsent, C.GRANTED: consent_events.ConsentExpired}
        | dict.fromkeys(_ENDED, NOTHING),
    ),
}


METER: Commands = {
    "declare": (
        lambda s: meter.declare(s, world.DECLARED),
        {M.UNDECLARED: meter_events.MeterDeclared} | dict.fromkeys(list(M)[1:], NOTHING),
    ),
    "attest": (
        lambda s: meter.attest(s, reference="A2"),
        {
            M.UNDECLARED: meter.MeterNotDeclared,
            M.DECLARED: meter_events.MeterAttested,
            M.ATTESTED: meter_events.MeterAttested,
            M.MOVED_OUT: meter.MeterLeft,
        },
    ),
    "receive contract facts": (
        lambda s: meter.receive_contract_facts(s, sample(meter_events.ContractFactsReceived)),
        {
            M.UNDECLARED: meter.MeterNotDeclared,
            M.DECLARED: meter_events.ContractFactsReceived,
            M.ATTESTED: meter_events.ContractFactsReceived,
            M.MOVED_OUT: meter.MeterLeft,
        },
    ),
    "attach": (
        lambda s: meter.attach(s, sample(meter_events.ConsentAttached)),
        {
            M.UNDECLARED: meter.MeterNotDeclared,
            M.DECLARED: meter_events.ConsentAttached,
            M.ATTESTED: meter_events.ConsentAttached,
            M.MOVED_OUT: meter.MeterLeft,
        },
    ),
    "detach": (
        lambda s: meter.detach(s, consent=world.CONSENT),
        dict.fromkeys(M, NOTHING),
    ),
    "move out": (
        lambda s: meter.move_out(s, last_day=DAY),
        {
            M.UNDECLARED: meter.MeterNotDeclared,
            M.DECLARED: meter_events.MeterMovedOut,
            M.ATTESTED: meter_events.MeterMovedOut,
            M.MOVED_OUT: NOTHING,
        },
    ),
}

COLLECTION: Commands = {
    "start": (
        lambda s: collection.start(s, sample(collection_events.CollectionStarted)),
        {L.IDLE: collection_events.CollectionStarted} | dict.fromkeys(list(L)[1:], NOTHING),
    ),
    "suspend": (
        lambda s: collection.suspend(s, code="X", suspended_at=LATER),
        {L.IDLE: collection.NoSuchCollection, L.RUNNING: collection_events.CollectionSuspended}
        | dict.fromkeys([L.SUSPENDED, L.STOPPED], NOTHING),
    ),
    "resume": (
        lambda s: collection.resume(s, resumed_at=LATER),
        {
            L.IDLE: collection.NoSuchCollection,
            L.RUNNING: NOTHING,
            L.SUSPENDED: collection_events.CollectionResumed,
            L.STOPPED: collection.CollectionEnded,
        },
    ),
    "stop": (
        lambda s: collection.stop(s, reason=StopReason.WITHDRAWN, stopped_at=LATER),
        {L.IDLE: collection.NoSuchCollection, L.STOPPED: NOTHING}
        | dict.fromkeys([L.RUNNING, L.SUSPENDED], collection_events.CollectionStopped),
    ),
}

DELIVERY: Commands = {
    "receive": (
        lambda s: delivery.receive(s, sample(delivery_events.DeliveryReceived)),
        {
            D.UNSEEN: delivery_events.DeliveryReceived,
            D.INCOMPLETE: NOTHING,
            D.COMPLETED: NOTHING,
            D.PARKED: delivery.DeliveryParkedAlready,
        },
    ),
    "complete": (
        lambda s: delivery.complete(s, rows=1),
        {
            D.UNSEEN: delivery.DeliveryIncomplete,
            D.INCOMPLETE: delivery_events.DeliveryCompleted,
            D.COMPLETED: NOTHING,
            D.PARKED: delivery.DeliveryParkedAlready,
        },
    ),
    "park": (
        lambda s: delivery.park(s, sample(delivery_events.DeliveryParked)),
        {
            D.UNSEEN: delivery_events.DeliveryParked,
            D.INCOMPLETE: delivery.DeliveryUnderWay,
            D.COMPLETED: NOTHING,
            D.PARKED: NOTHING,
        },
    ),
}

RETENTION: Commands = {
    "order": (
        lambda s: retention.order(s, sample(retention_events.RetentionOrdered)),
        {R.UNORDERED: retention_events.RetentionOrdered}
        | dict.fromkeys([R.ORDERED, R.CARRIED_OUT], NOTHING),
    ),
    "order other keys": (
        lambda s: retention.order(
            s, msgspec.structs.replace(sample(retention_events.RetentionOrdered), keys=9)
        ),
        {R.UNORDERED: retention_events.RetentionOrdered}
        | dict.fromkeys([R.ORDERED, R.CARRIED_OUT], retention.OrderStands),
    ),
    "carry out": (
        lambda s: retention.carry_out(s, sample(retention_events.RetentionCarriedOut)),
        {
            R.UNORDERED: retention.NotWholeRun,
            R.ORDERED: retention_events.RetentionCarriedOut,
            R.CARRIED_OUT: NOTHING,
        },
    ),
    "carry half of it out": (
        lambda s: retention.carry_out(
            s, msgspec.structs.replace(sample(retention_events.RetentionCarriedOut), keys=1)
        ),
        dict.fromkeys([R.UNORDERED, R.ORDERED], retention.NotWholeRun) | {R.CARRIED_OUT: NOTHING},
    ),
}

_ENDED_NOTICES = [N.ACKNOWLEDGED, N.EXPIRED]


def _of_notice(kind: type[Event], *before: N) -> dict[N, Any]:
    """What changes a notice that lives, but where it did already."""
    living = {N.QUEUED, N.SENT, N.ESCALATED} - set(before)
    return (
        {N.UNQUEUED: notice.NoSuchNotice}
        | dict.fromkeys([*before, *_ENDED_NOTICES], NOTHING)
        | dict.fromkeys(living, kind)
    )


NOTICE: Commands = {
    "queue": (
        lambda s: notice.queue(s, sample(notice_events.NoticeQueued)),
        dict.fromkeys(N, NOTHING) | {N.UNQUEUED: notice_events.NoticeQueued},
    ),
    "send": (
        lambda s: notice.send(s, sample(notice_events.NoticeSent)),
        _of_notice(notice_events.NoticeSent, N.SENT),
    ),
    "escalate": (
        lambda s: notice.escalate(s, sample(notice_events.NoticeEscalated)),
        _of_notice(notice_events.NoticeEscalated, N.ESCALATED),
    ),
    "disregard": (
        lambda s: notice.disregard(s, sample(notice_events.NoticeDisregarded)),
        _of_notice(notice_events.NoticeDisregarded),
    ),
    "acknowledge": (
        lambda s: notice.acknowledge(s, on=DAY),
        _of_notice(notice_events.NoticeAcknowledged),
    ),
    "end the days": (lambda s: notice.expire(s, on=DAY), _of_notice(notice_events.NoticeExpired)),
}

COMMANDS: list[tuple[ModuleType, Commands]] = [
    (account, ACCOUNT),
    (consent, CONSENT),
    (meter, METER),
    (collection, COLLECTION),
    (delivery, DELIVERY),
    (retention, RETENTION),
    (notice, NOTICE),
]
CASES = [
    pytest.param(machine, status, decide, outcomes[status], id=f"{command} when {status.value}")
    for machine, commands in COMMANDS
    for command, (decide, outcomes) in commands.items()
    for status in machine.TRANSITIONS
]


@pytest.mark.parametrize(("machine", "status", "decide", "outcome"), CASES)
def test_every_command_has_its_answer_in_every_state(
    machine: ModuleType, status: StrEnum, decide: Decide, outcome: type | tuple[()]
) -> None:
    situation = given(machine, *histories(machine)[status])
    if not isinstance(outcome, type):
        situation.when(decide).then_nothing()
    elif issubclass(outcome, Refused):
        situation.refuses(outcome, decide)
    else:
        assert [type(event) for event in situation.when(decide).decided] == [outcome]
