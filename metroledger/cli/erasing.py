"""`metroledger erase`: an account's erasure carried out, or where each request stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application import answering, erasure, residents
from domain.values import month_after
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, identifier
from metroledger.cli.offices import administrator

if TYPE_CHECKING:
    import argparse
    from uuid import UUID

    from metroledger.settings import Settings
    from projections.requests import Request

STATUS = "status"


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    erase = command(
        commands,
        "erase",
        _erase,
        "Erase an account: its keys are destroyed. Or 'erase status': where each request stands.",
    )
    erase.add_argument("account", type=_account, metavar="ACCOUNT|status")


def _account(text: str) -> UUID | None:
    return None if text == STATUS else identifier(text)


def _status(settings: Settings) -> int:
    with open_ledger(settings) as installation:
        waiting = answering.waiting(installation.services)
        closed = answering.closed(installation.services)
    for one in waiting:
        due = f"answer due {month_after(one.requested_at)}"
        print(f"{one.account}  {_stage(one):26}  asked {one.requested_at:%Y-%m-%d}  {due}")
    for one in closed:
        ended = f"closed {one.closed_at:%Y-%m-%d}" if one.closed_at else ""
        print(f"{one.account}  {_stage(one):26}  asked {one.requested_at:%Y-%m-%d}  {ended}")
    if not waiting and not closed:
        print("no erasure was ever asked for")
    return 0


def _stage(request: Request) -> str:
    if request.outcome is not None:
        return request.outcome.value
    if request.ordered_at:
        return "destruction ordered"
    if request.validated_at:
        return "validated"
    if request.held_at:
        return "held"
    return "identity checked" if request.identified_at else "identity to be checked"


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.account is None:
        return _status(settings)
    with open_ledger(settings) as installation:
        services, actor = installation.services, administrator(installation)
        erasure.request(services, arguments.account, residents.resident(arguments.account))
        erasure.check_identity(services, arguments.account, actor, means="command line")
        erasure.validate(services, arguments.account, actor)
        finished = erasure.erase(services, arguments.account, actor)
    certificate = finished.certificate
    print(f"account {arguments.account} erased: certificate at leaf {finished.leaf}")
    print(f"  keys destroyed: {certificate.keys}; what they sealed can never be opened again")
    print(
        f"  older copies of the key store: their epoch's key is gone too (now {certificate.epoch})"
    )
    print(f"  legal basis: {certificate.legal_basis}")
    for place in certificate.not_reached:
        print(f"  not reached: {place}")
    return 0
