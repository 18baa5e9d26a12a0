"""`metroledger staff`: who of the metropolis's staff may sign in, and in which role."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from application.access import members
from application.access.members import INVITATION_LASTS, Profile
from application.access.roles import GIVEN, StaffRole
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, group, identifier, print_json

if TYPE_CHECKING:
    import argparse

    from application.access.members import Member
    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    staff = group(commands, "staff", "The metropolis's staff, in the portal.")
    add = command(staff, "add", _add, "Add a member, and print the link by which they enrol.")
    add.add_argument("--name", required=True)
    add.add_argument("--email", required=True)
    add.add_argument("--role", choices=[role.value for role in GIVEN], required=True)
    link = command(
        staff, "link", _link, "Print a new link to enrol by; what they signed in with is void."
    )
    revoke = command(staff, "revoke", _revoke, "Let a member in no more, and forget who they were.")
    for one in (link, revoke):
        one.add_argument("member", type=identifier)
    shown = command(staff, "list", _list, "List the members.")
    shown.add_argument("--json", action="store_true", help="one JSON line a member, without names")


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    profile = Profile(arguments.name, arguments.email)
    with open_ledger(settings) as installation:
        services, staff = installation.services, installation.staff
        member = members.add(services, staff, profile, StaffRole(arguments.role))
        ticket = members.invite(services, staff, member)
    print(f"member {member} added: {arguments.role}")
    _print_link(settings, ticket)
    return 0


def _link(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        ticket = members.invite(installation.services, installation.staff, arguments.member)
    _print_link(settings, ticket)
    return 0


def _revoke(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        members.revoke(installation.services, installation.staff, arguments.member)
    print(f"member {arguments.member} revoked: name, e-mail, password and codes cannot be read")
    return 0


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        found = members.members(installation.services, installation.staff)
    for one in found:
        if arguments.json:
            told = {"id": one.id, "role": one.role.value, "state": _state(one), "since": one.since}
            print_json(told)
            continue
        who = f"{one.profile.name} <{one.profile.email}>" if one.profile else "—"
        print(f"{one.id}  {one.role.value:23}  {_state(one):9}  {who}")
    if not found and not arguments.json:
        print("nobody: 'metroledger staff add' adds a member")
    return 0


def _state(member: Member) -> str:
    if member.revoked_at is not None:
        return "revoked"
    return "enrolled" if member.enrolled else "invited"


def _print_link(settings: Settings, ticket: str) -> None:
    print(f"{settings.portal.public_url}/agents/inscription/{ticket}")
    hours = int(INVITATION_LASTS.total_seconds() // 3600)
    print(
        f"metroledger: this link is a secret: who uses it first, within {hours} hours, chooses the "
        "password and the second factor; hand it to nobody but its owner",
        file=sys.stderr,
    )
