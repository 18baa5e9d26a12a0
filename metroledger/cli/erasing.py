"""Commands on erasures: carry one out, say where each stands, hand out a certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.http.pages.certificate import draw
from application import answering, destruction, erasure, inbox, past
from application.acts import KindOfAct
from application.certifying import certificate
from application.letters import LetterOwed, write_due
from application.receipts import Press
from domain.aggregates.leaving import HeldNow
from domain.values import month_after
from metroledger.bootstrap import administrator, open_ledger
from metroledger.cli import noticing
from metroledger.cli.common import Commands, command, group, identifier
from metroledger.cli.noticing import progress
from proofs.certificate import verify_certificate

if TYPE_CHECKING:
    import argparse
    from uuid import UUID

    from application.services import Services
    from domain.values import Actor
    from metroledger.settings import Settings
    from projections.requests import Request

STATUS = "status"
_KEPT = {
    KindOfAct.ERASURE_REQUEST: "erasure of the account",
    KindOfAct.PAST_ERASURE_REQUEST: "past of a meter",
}


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    erase = command(
        commands,
        "erase",
        _erase,
        "Erase an account: its keys are destroyed. Or 'erase status': where each request stands.",
    )
    erase.add_argument("account", type=_account, metavar="ACCOUNT|status")
    erase.add_argument(
        "--keys-alone",
        action="store_true",
        help="destroy the account's keys where its erasure was spoilt by somebody (manual: "
        "erasures); nothing else is done",
    )
    erasures = group(commands, "erasure", "What was destroyed, and can be shown.")
    proof = command(
        erasures,
        "certificate",
        _certificate,
        "Give the certificate of what was destroyed, as JSON: of an account, of a meter's past, of "
        "a retention run.",
    )
    proof.add_argument(
        "id",
        type=identifier,
        help="the account's or the request's ('erase status'), or the run's ('retention show')",
    )
    proof.add_argument("--output", type=Path, help="file to write; else standard output")
    proof.add_argument("--page", type=Path, help="write the page to be printed, in French, too")
    noticing.add_commands(erasures)


def _account(text: str) -> UUID | None:
    return None if text == STATUS else identifier(text)


def _status(settings: Settings) -> int:
    with open_ledger(settings, may_wait=True) as installation:
        services = installation.services
        kept = [one for one in inbox.awaiting(services) if one.kind in _KEPT]
        waiting = answering.waiting(services)
        asked = services.register.read().pending.items()
        pasts = [(one, whose) for one, whose in asked if services.keys.keys_of(whose)]
        closed = answering.closed(services)
        notices = services.register.read().notices
        last = past.last_asked(services)
        erased = [one for one in last or () if one.stage.is_over]
    for act in kept:
        says = f"{_KEPT[act.kind]}, kept until the log answers"
        print(f"{act.account}  {'waits for the log':26}  asked {act.at:%Y-%m-%d}  {says}")
    for request, account in pasts:
        print(f"{account}  {'past of a meter':26}  being erased, request {request}")
    for one in waiting:
        due = f"answer due {month_after(one.requested_at)}"
        print(f"{one.account}  {_stage(one):26}  asked {one.requested_at:%Y-%m-%d}  {due}")
    for one in closed:
        ended = f"closed {one.closed_at:%Y-%m-%d}" if one.closed_at else ""
        print(f"{one.account}  {_stage(one):26}  asked {one.requested_at:%Y-%m-%d}  {ended}")
    for one_past in erased:
        done = one_past.stage.done_at
        how = f"erased {done:%Y-%m-%d}" if done else "erased with its account"
        print(f"{one_past.account}  {'past of a meter':26}  {how}, request {one_past.request}")
    if last is None:
        print("the log does not answer: which pasts of meters are erased is not known now")
    elif not (kept or pasts or waiting or closed or erased):
        print("no erasure is under way, and none was closed")
    for reference, told in notices.items():
        print(f"notice {reference}  {progress(told)}")
    return 0


def _write_letters(services: Services, account_id: UUID) -> None:
    """Write to the holder while there is an address: nobody else may know that they did not ask."""
    try:
        write_due(services, account_id)
    except LetterOwed as error:
        print(f"metroledger: {error}", file=sys.stderr)


def _certificate(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        press = Press(publisher=installation.publisher, tiles=settings.tiles)
        data = certificate(installation.services, press, arguments.id)
        verifier = installation.verifier
    if arguments.page is not None:
        arguments.page.write_bytes(draw(data, verify_certificate(data, [verifier])))
    if arguments.output is None:
        sys.stdout.buffer.write(data)
        return 0
    arguments.output.write_bytes(data)
    print(f"certificate written to {arguments.output}: it names nobody, and verifies offline")
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


def _destroy_keys(services: Services, account_id: UUID, actor: Actor) -> int:
    erasure.require_own_eyes(services, actor)
    request = answering.request_of(services, account_id)
    if request is not None and request.held_at is not None and request.closed_at is None:
        raise HeldNow
    keys = len(services.keys.keys_of(account_id))
    stream = destruction.destroy_all(services, account_id, actor)
    print(f"account {account_id}: {keys} keys destroyed; what they sealed opens never again")
    print(f"  its certificate: metroledger erasure certificate {stream}")
    print("  nobody was told: tell the operators and recipients by another way")
    print("  next, for the queue to know: metroledger projections rebuild")
    return 0


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.account is None:
        return _status(settings)
    with open_ledger(settings) as installation:
        services, actor = installation.services, administrator(installation)
        if arguments.keys_alone:
            return _destroy_keys(services, arguments.account, actor)
        if not erasure.is_validated(services, arguments.account):
            erasure.require_own_eyes(services, actor)  # before anything is written
            erasure.request(services, arguments.account, actor)
            erasure.check_identity(services, arguments.account, actor, means="command line")
            erasure.validate(services, arguments.account, actor)
        _write_letters(services, arguments.account)
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
