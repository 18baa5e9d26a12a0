"""What a resident does: open an account, accept terms, declare a meter.

An e-mail or a meter's number leads to random ids through the key store's lookup index
only. A row is reserved before the append, confirmed when the fold accepted the
command, and freed when it was barred.

Whoever may have to ask again names the `command`: what it makes has an id that follows
from it, so that the same command sent twice happens once. Without one, each call is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.driving import drive
from application.offices import require_text
from application.protocol import bar
from application.services import made_by, new_id
from domain.aggregates import account, meter, terms
from domain.errors import Refused
from domain.events import Change
from domain.events.account import AccountOpened
from domain.events.terms import TextKind
from domain.policies.account import accept_terms
from domain.policies.meter import declare
from domain.values import Actor, Role
from keys.index import AlreadyTaken, Entry, Kind, Lookup
from ledger.rule import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from domain.values import Point


def resident(account_id: UUID) -> Actor:
    """Return the account's holder as an actor."""
    return Actor(role=Role.RESIDENT, id=account_id)


def email_lookup(email: str) -> Lookup:
    """Return an e-mail as the index knows it: without case or outer spaces."""
    return Lookup(Kind.EMAIL, email.strip().lower())


def meter_lookup(operator: str, fluid: str, number: str) -> Lookup:
    """Return a point as the index knows it."""
    return Lookup(Kind.METER, meter_value(operator, fluid, number))


def meter_value(operator: str, fluid: str, number: str) -> str:
    """Return a point's value in the index."""
    return f"{operator}\n{fluid}\n{number}"


def open_account(services: Services, *, name: str, email: str, language: str) -> UUID:
    """Open an account; return its id. Raises `AlreadyTaken` for another account's e-mail."""
    stream, command = new_id(), new_id()
    wanted = AccountOpened(name=name, email=email, language=language)

    def decide(load: Loading) -> Iterable[Change]:
        state = load(account, stream).state
        events = account.open_account(state, wanted)
        return [Change(stream=stream, event=event, subject=stream) for event in events]

    _reserve(services, email_lookup(email), Entry(stream, stream), command)
    with _reservation(services, command):
        services.ledger.transact(command, decide, context=services.context(resident(stream)))
    return stream


def accept(
    services: Services,
    account_id: UUID,
    *,
    version: str,
    language: str,
    command: UUID | None = None,
) -> None:
    """Accept a version of the terms of use."""

    def decide(load: Loading) -> Iterable[Change]:
        text = require_text(services, TextKind.TERMS_OF_USE)
        holder, terms_of_use = load(account, account_id), load(terms, text)
        return accept_terms(holder, terms_of_use, version=version, language=language)

    context = services.context(resident(account_id))
    services.ledger.transact(command or new_id(), decide, context=context)


def declare_meter(  # noqa: PLR0913 (what is declared, and under which command)
    services: Services,
    account_id: UUID,
    point: Point,
    *,
    entry_day: date,
    power_kva: int | None,
    command: UUID | None = None,
) -> UUID:
    """Declare a meter; return the id of this account's declaration of it."""
    command = command or new_id()
    stream = made_by(command)

    def decide(load: Loading) -> Iterable[Change]:
        holder, declared = load(account, account_id), load(meter, stream)
        return declare(holder, declared, point=point, entry_day=entry_day, power_kva=power_kva)

    lookup = meter_lookup(point.operator, point.fluid, point.number)
    _reserve(services, lookup, Entry(account_id, stream), command)
    with _reservation(services, command):
        context = services.context(resident(account_id))
        services.ledger.transact(command, decide, context=context)
    return stream


def _reserve(services: Services, lookup: Lookup, entry: Entry, command: UUID) -> None:
    """Reserve a row; what stands in the way and was never decided is brought to its end first.

    A process that died between its reservation and its append would else hold an e-mail
    for ever. Its command is barred before the row is freed, so it can never come to life.
    """
    index = services.keys.index
    try:
        index.reserve(lookup, entry, command)
    except AlreadyTaken:
        undecided = index.reserving(lookup)
        if not undecided:
            raise
        for one in undecided:
            fate, _ = drive(bar(one.bytes), services.ledger.committer)
            (index.confirm if fate is Fate.ACCEPTED else index.free)(one)
        index.reserve(lookup, entry, command)


class _reservation:  # noqa: N801 (used as a statement, like contextlib's own)
    """Confirm what a command reserved when it was accepted, free it when it was refused.

    Any other end leaves the outcome open and the row reserved: `settle_reservations`
    asks the log later.
    """

    def __init__(self, services: Services, command: UUID) -> None:
        self._services = services
        self._command = command

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        index = self._services.keys.index
        if error is None:
            index.confirm(self._command)
        elif isinstance(error, Refused):
            index.free(self._command)


def settle_reservations(services: Services) -> None:
    """Confirm or free what earlier processes reserved and did not live to settle."""
    index = services.keys.index
    for command in index.reserved():
        fate = services.ledger.committer.fate(command.bytes)
        if fate is not None:
            (index.confirm if fate is Fate.ACCEPTED else index.free)(command)
