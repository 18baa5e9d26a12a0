"""Acts that nothing may hold up: kept the moment they are done, carried to the log when it answers.

A person who withdraws, or asks to be erased whole or for one meter, is owed it at once, and the
log may not answer just now. So the act is kept first, durably and beside the log, and what is
shown ends with it (`application.viewing` asks). Then the command is carried as any other. Where
the log does not answer it stays here, and whoever works next carries it, oldest first, before
anything is collected. The command's id is the same each time, so it happens once; it is decided
anew on what the log then holds, so no version refuses it.

What is kept is sealed under a key of the person's own. In clear are random ids: the command's,
and of what is shown no more, a consent's, a meter's or an account's.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec import structs

from application import past
from application.acts import Act, Fortune, Kept, KindOfAct
from application.consenting import withdraw_consent
from application.erasure import request
from application.residents import resident
from application.services import made_by
from application.telling import tell
from domain.aggregates.consent import Origin
from domain.errors import Corrupt, Refused, Unavailable
from keys import sealing
from keys.names import KeyName, Purpose
from keys.redaction import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from application.acts import Inbox
    from application.services import Services

KEPT: Final = timedelta(days=7)
"""How long it is known here what became of an act; the ledger knows for ever."""

AT_ONCE: Final = 100


def drop_over(inbox: Inbox, now: datetime) -> int:
    """Forget what became of acts longer ago than is kept; those that wait stay."""
    return inbox.drop(now - KEPT)


class TakenDown(Unavailable):
    """The act is kept and holds from now on; the log does not answer, and gets it later."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "what you did is kept and holds from now on: nothing is shown under it any more; the "
            "ledger does not answer just now, and gets it by itself as soon as it does"
        )


def insist(services: Services, act: Act, carry: Callable[[Act], object]) -> None:
    """Keep an act, then carry it; raise `TakenDown` where the log does not answer.

    Sent again, it is carried as of when it was done first. Raises `Refused` where it is refused,
    and `Unavailable` where it could not even be kept.
    """
    _settle(services, _keep(services, act), carry)


def _keep(services: Services, act: Act) -> Act:
    """Keep an act; return it as it was done first."""
    return structs.replace(act, at=services.inbox.keep(_seal(services, act)))


def _settle(services: Services, act: Act, carry: Callable[[Act], object]) -> None:
    """Carry an act that is kept, and write down what became of it; see `insist`."""
    try:
        carry(act)
    except (Unavailable, Corrupt) as error:
        tell("act-kept", logging.WARNING, error=error)
        raise TakenDown from error
    except Refused:
        services.inbox.settle(act.command, Fortune.REFUSED)
        raise
    services.inbox.settle(act.command, Fortune.DONE)


def withdraw(services: Services, account: UUID, consent: UUID, command: UUID) -> None:
    """Withdraw a resident's own consent, whether the log answers or not; see `insist`."""
    withdraw_all(services, account, {command: consent})


def withdraw_all(services: Services, account: UUID, consents: Mapping[UUID, UUID]) -> None:
    """Withdraw a resident's own consents, by command: all are kept before any is carried.

    Raises what `insist` does, at the first that the log does not take.
    """
    at = services.clock()
    acts = [
        Act(command=command, kind=KindOfAct.WITHDRAWAL, account=account, about=consent, at=at)
        for command, consent in consents.items()
    ]
    for act in [_keep(services, act) for act in acts]:
        _settle(services, act, partial(_carry, services))


def ask_erasure(services: Services, account: UUID, command: UUID) -> None:
    """Ask for an account's erasure, whether the log answers or not; see `insist`."""
    act = Act(
        command=command,
        kind=KindOfAct.ERASURE_REQUEST,
        account=account,
        about=account,
        at=services.clock(),
    )
    insist(services, act, partial(_carry, services))


def ask_past_erasure(
    services: Services, account: UUID, meter: UUID, command: UUID, at: datetime
) -> UUID:
    """Ask for a meter's past to be erased, whether the log answers or not; see `insist`.

    Returns the request's id: of the one there is, where that erases as much already.
    """
    made = made_by(command)
    act = Act(
        command=command,
        kind=KindOfAct.PAST_ERASURE_REQUEST,
        account=account,
        about=meter,
        at=at,
    )

    def carry(act: Act) -> None:
        nonlocal made
        made = _carry_past(services, act)

    insist(services, act, carry)
    return made


def awaiting(services: Services) -> Iterator[Act]:
    """Yield the acts that wait and can be opened, the oldest first; `drain` tells of the others."""
    for acts in _pages(services, AT_ONCE):
        for kept in acts:
            with contextlib.suppress(Corrupt):
                act = _open(services, kept)
                if act is not None:
                    yield act


def drain(services: Services, at_once: int = AT_ONCE) -> int:
    """Carry every act that waits, oldest first; return how many were settled.

    `at_once` are read at a time. One that does not open stays, is told, and holds up no other,
    however many there are; nor does one that alone gets no answer. Where the next one gets none
    either it is the log, and the others keep their order. Raises `Unavailable` where any got none.
    """
    settled, unanswered = 0, None
    in_a_row = 0
    for kept in chain.from_iterable(_pages(services, at_once)):
        try:
            done = _settled(services, kept)
        except Unavailable as error:
            unanswered, in_a_row = error, in_a_row + 1
            if in_a_row > 1:
                break
            tell("act-not-answered", logging.WARNING, error=error)
        else:
            settled += done
            in_a_row = 0 if done else in_a_row
    if unanswered is not None:
        raise unanswered
    return settled


def _pages(services: Services, at_once: int) -> Iterator[Sequence[Kept]]:
    place = 0
    while acts := services.inbox.oldest(at_once, after=place):
        yield acts
        place = acts[-1].place


def _settled(services: Services, kept: Kept) -> bool:
    try:
        fortune = _become(services, kept)
    except Corrupt as error:
        tell("act-unread", logging.ERROR, error=error)
        return False
    services.inbox.settle(kept.command, fortune)
    return True


def _become(services: Services, kept: Kept) -> Fortune:
    act = _open(services, kept)
    if act is not None:  # None: erased since, with all that it was about
        try:
            _carry(services, act)
        except Refused as error:
            tell("act-refused", logging.WARNING, error=error)
            return Fortune.REFUSED
    return Fortune.DONE


def _carry(services: Services, act: Act) -> None:
    match act.kind:
        case KindOfAct.WITHDRAWAL:
            origin = Origin.RESIDENT
            withdraw_consent(services, act.about, origin=origin, command=act.command, at=act.at)
        case KindOfAct.ERASURE_REQUEST:
            request(services, act.account, resident(act.account), command=act.command, at=act.at)
        case KindOfAct.PAST_ERASURE_REQUEST:  # it denies here until the consents' own ends do
            _carry_past(services, act)


def _carry_past(services: Services, act: Act) -> UUID:
    """Have a past's erasure asked for, and its consents ended; return the request's id."""
    made = past.request(services, act.account, act.about, command=act.command, at=act.at)
    try:
        past.stop(services, act.account, made)
    except Corrupt as error:  # the request denies by itself now, and upkeep stops too
        tell("past-erasure-incomplete", logging.ERROR, error=error, request=made)
    return made


def _seal(services: Services, act: Act) -> Kept:
    name = KeyName(owner=act.account, purpose=Purpose.PROFILE)
    key = services.keys.mint([name])[name]
    sealed = sealing.seal(key, msgspec.json.encode(act), _bound_to(act.command, act.about))
    return Kept(command=act.command, about=act.about, at=act.at, key=key.id, sealed=sealed)


def _open(services: Services, kept: Kept) -> Act | None:
    key = services.keys.fetch([kept.key]).get(kept.key)
    if key is None:
        missing("act", kept.key, services.register.read().ordered)
        return None
    opened = sealing.open(key, kept.sealed, _bound_to(kept.command, kept.about))
    return msgspec.json.decode(opened, type=Act)


def _bound_to(command: UUID, about: UUID) -> bytes:
    return b"metroledger/inbox/v1\0" + command.bytes + about.bytes
