"""Commands on notices of erasures: print one, and note that it was acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.notice_letters import text_of
from application.notices import acknowledge, told_of
from domain.aggregates.notice import NoSuchNotice
from domain.events.notice import Occasion
from metroledger.bootstrap import administrator, open_ledger
from metroledger.cli.common import Commands, command, identifier

if TYPE_CHECKING:
    import argparse

    from domain.aggregates.notice import Notice
    from metroledger.settings import Settings


def add_commands(erasures: Commands) -> None:
    """Add this module's commands to those on erasures."""
    notice = command(erasures, "notice", _notice, "Print a notice that is not acknowledged.")
    notice.add_argument("reference", type=identifier)
    answered = command(
        erasures,
        "acknowledge",
        _acknowledge,
        "Note that whoever was told acknowledged: what the notice says is destroyed.",
    )
    answered.add_argument("reference", type=identifier)


def progress(one: Notice) -> str:
    """Return how far a notice has come, in one line."""
    who = f"to {one.queued.recipient}" if one.queued else ""
    cause = f"  needs a person: {one.escalated.cause.value}" if one.escalated else ""
    came = one.disregarded
    data = f"  data came all the same on {came.came_on}: {came.rows} rows, refused" if came else ""
    return f"{who}  letters sent: {one.times}{cause}{data}"


def _notice(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        told = told_of(installation.services, arguments.reference)
    if told is None:
        raise NoSuchNotice
    answers_to = settings.portal.privacy_contact
    print(text_of(arguments.reference, told, Occasion.FIRST, answers_to), end="")
    return 0


def _acknowledge(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        acknowledge(installation.services, arguments.reference, administrator(installation))
    print(f"notice {arguments.reference}: acknowledged, and what it said destroyed")
    return 0
