"""`metroledger staff link`: let a member of the metropolis's staff sign in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from application.access.staff import LINK_LASTS, invite
from application.access.stores import StaffRole
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, group

if TYPE_CHECKING:
    import argparse

    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    staff = group(commands, "staff", "The metropolis's staff, in the portal.")
    link = command(staff, "link", _link, "Print a link that signs one person in, once.")
    link.add_argument("--role", choices=[role.value for role in StaffRole], required=True)


def _link(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        ticket = invite(installation.services, StaffRole(arguments.role))
    print(f"{settings.portal.public_url}/agents/entree/{ticket}")
    minutes = int(LINK_LASTS.total_seconds() // 60)
    print(
        f"metroledger: this link is a secret: it signs one person in, once, within {minutes} "
        "minutes; hand it to nobody else",
        file=sys.stderr,
    )
    return 0
