"""Notices of an erasure: who is told to stop and to erase, and what, sealed under its own key.

::

    who must be told, worked out while it can be read → key, file and lookup rows → queued on the
    ledger → sent, again, escalated (`application.notifying`) → acknowledged or over → key and rows
    destroyed, then the file

A notice belongs to itself, not to the account: it outlives the account's keys, and its end
destroys all that says whose it was. Its id is derived from the request and the recipient, so an
erasure that is taken up again queues it once. Each step may be done again.

Told are the operators of meters that were ever collected, and whom a consent let read. Who was
handed a receipt is not known here: it is a file that its holder gives to whom they like.
"""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from application.collecting import COLLECTOR
from application.consenting import consents_of
from application.residents import meter_lookup, meter_value
from application.services import collection_id, derived_id, new_id
from application.telling import tell
from domain.aggregates import account, notice
from domain.events import Change
from domain.events.notice import Addressee, NoticeQueued
from domain.values import Channel, Fluid, civil_day
from keys import sealing
from keys.files import write_durably
from keys.index import Entry, Kind, Lookup
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from application.services import Services
    from application.transact import Loading
    from domain.aggregates.notice import Notice
    from domain.events import Event
    from domain.events.consent import ConsentGranted
    from domain.values import Actor

KEPT_DAYS: Final = 90
"""How long a notice waits for its acknowledgement, before its key is destroyed."""

_NAME_LENGTH: Final = len(str(UUID(int=0)))
"""Of a notice's file, whose name is its id; a file being written has a longer one."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A point that a notice is about; `shared`: somebody else's consent goes on there."""

    operator: str
    fluid: Fluid
    number: str
    shared: bool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice says: to whom, why them, and of which points."""

    recipient: str
    addressee: Addressee
    points: tuple[Named, ...]


def queue_notices(
    services: Services, account_id: UUID, *, step: Callable[[str], None] = lambda _: None
) -> None:
    """Queue a notice to everybody who must be told that an account is erased; each once.

    To be called while the account can be read: whatever cannot be read is nobody's to tell.
    """
    request = services.ledger.load(account, account_id).state.request
    if request is None:
        return  # what cannot be read is refused when the destruction is ordered
    for told in whom_to_tell(services, account_id):
        _queue(services, request, told, step)
        step("a notice queued")


def whom_to_tell(services: Services, account_id: UUID) -> Iterable[Told]:
    """Return what is to be said to whom: operators, then those whom a consent let read."""
    points: Mapping[tuple[Addressee, str], dict[Named, None]] = defaultdict(dict)
    for consent_id, state in consents_of(services, account_id).items():
        granted = state.granted
        if granted is None:
            continue
        named = _named(services, account_id, granted)
        if granted.recipient != COLLECTOR:
            points[Addressee.RECIPIENT, granted.recipient][named] = None
        if _was_collected(services, consent_id):
            points[Addressee.OPERATOR, granted.operator][named] = None
    return [
        Told(recipient=who, addressee=addressee, points=tuple(points[addressee, who]))
        for addressee, who in sorted(points)
    ]


def notices_of(services: Services, account_id: UUID) -> Mapping[UUID, Notice]:
    """Return the notices of an account's erasure that live, by their references."""
    state = services.ledger.load(account, account_id).state
    request = state.ordered.request if state.ordered else state.request
    living = services.register.read().notices
    return {
        one: found
        for one, found in living.items()
        if found.queued is not None and found.queued.request == request
    }


def told_of(services: Services, notice_id: UUID) -> Told | None:
    """Return what a notice says, None where its key or its file is gone."""
    keys = services.keys.find([_key_name(notice_id)])
    with contextlib.suppress(FileNotFoundError):
        for key in keys.values():
            sealed = _path(services, notice_id).read_bytes()
            said = sealing.open(key, sealed, _leaf(notice_id))
            return msgspec.json.decode(said, type=Told)
    return None


def lookup(point: Named) -> Lookup:
    """Return a point as the index knows it of notices."""
    return Lookup(Kind.NOTICE, meter_value(point.operator, point.fluid, point.number))


def acknowledge(services: Services, notice_id: UUID, actor: Actor) -> None:
    """Record that whoever was told acknowledged, and destroy what the notice says.

    Raises `NoSuchNotice`; again, it changes nothing.
    """
    today = civil_day(services.clock())
    note(services, notice_id, lambda state: notice.acknowledge(state, on=today), actor)
    forget(services, notice_id)


def note(
    services: Services,
    notice_id: UUID,
    decide_on: Callable[[Notice], Iterable[Event]],
    actor: Actor | None = None,
) -> bool:
    """Write what is decided on a notice; say whether that is anything."""

    def decide(load: Loading) -> list[Change]:
        events = decide_on(load(notice, notice_id).state)
        return [Change(stream=notice_id, event=event) for event in events]

    accepted = services.ledger.transact(new_id(), decide, context=services.context(actor))
    return accepted is not None


def forget(services: Services, notice_id: UUID) -> None:
    """Destroy a notice's key and lookup rows, then remove its file; may be repeated."""
    services.keys.destroy_owner(notice_id, services.clock())
    _path(services, notice_id).unlink(missing_ok=True)


def forget_ended(services: Services) -> int:
    """Forget what an ended notice left because a process died; say how many."""
    if not services.notices.is_dir():
        return 0
    living = services.register.read().notices
    names = [path.name for path in services.notices.iterdir() if len(path.name) == _NAME_LENGTH]
    left = [one for one in map(UUID, names) if one not in living]
    ended = [one for one in left if notice.is_over(services.ledger.load(notice, one).state)]
    for one in ended:  # the others are about to be queued
        forget(services, one)
    return len(ended)


def _named(services: Services, account_id: UUID, granted: ConsentGranted) -> Named:
    where = meter_lookup(granted.operator, granted.fluid, granted.number)
    return Named(
        operator=granted.operator,
        fluid=granted.fluid,
        number=granted.number,
        shared=any(one.owner != account_id for one in services.keys.index.find(where)),
    )


def _was_collected(services: Services, consent_id: UUID) -> bool:
    streams = [collection_id(consent_id, channel).bytes for channel in Channel]
    return bool(services.ledger.folder.store.heads(streams))


def _queue(services: Services, request: UUID, told: Told, step: Callable[[str], None]) -> None:
    key = services.territory_key(Purpose.REACTIONS)
    parts = (request.bytes, told.addressee.encode(), told.recipient.encode())
    notice_id = derived_id(key, b"notice", *parts)
    command = derived_id(key, b"queue notice", notice_id.bytes)
    if not services.ledger.folder.store.heads([notice_id.bytes]):
        _keep(services, notice_id, told)
        step("a notice kept")
        _reserve(services, notice_id, told, command)
        step("a notice's points reserved")
    queued = NoticeQueued(
        request=request,
        recipient=told.recipient,
        addressee=told.addressee,
        queued_on=civil_day(services.clock()),
        kept_days=KEPT_DAYS,
    )

    def decide(load: Loading) -> list[Change]:
        events = notice.queue(load(notice, notice_id).state, queued)
        return [Change(stream=notice_id, event=event) for event in events]

    services.ledger.transact(command, decide, context=services.context(), derived=True)
    services.keys.index.confirm(command)


def _keep(services: Services, notice_id: UUID, told: Told) -> None:
    """Keep what a notice says, sealed; where there is no room somebody is told, nobody waits."""
    path, name = _path(services, notice_id), _key_name(notice_id)
    key = services.keys.mint([name])[name]
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, sealing.seal(key, msgspec.json.encode(told), _leaf(notice_id)))
    except OSError as error:
        tell("notice-not-kept", logging.ERROR, error=error, notice=notice_id)


def _reserve(services: Services, notice_id: UUID, told: Told, command: UUID) -> None:
    """Let the points that an operator is told of lead to the notice, from its commit on."""
    if told.addressee is Addressee.OPERATOR:
        entry = Entry(notice_id, notice_id)
        wanted = [(lookup(one), entry) for one in told.points]
        services.keys.index.reserve_many(wanted, command)


def _path(services: Services, notice_id: UUID) -> Path:
    return services.notices / str(notice_id)


def _key_name(notice_id: UUID) -> KeyName:
    return KeyName(owner=notice_id, purpose=Purpose.NOTICE)


def _leaf(notice_id: UUID) -> bytes:
    return b"metroledger/notice/v1\0" + notice_id.bytes
