"""Whoever runs the server says who works here, from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

from application.access.sessions import find, new_token
from tests.application.conftest import founded, place, site
from tests.application.hiring import STAFF_PASSWORD, code_of, staff_door

if TYPE_CHECKING:
    from tests.application.world import Place

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made
NAME, EMAIL = "Dominique Exemple", "dominique@metropole.example"


def test_a_member_is_added_enrols_is_listed_and_is_revoked(place: Place) -> None:
    said = place.run("staff", "add", "--name", NAME, "--email", EMAIL, "--role", "auditor")
    assert said.code == 0
    added, link = said.out.splitlines()
    member = added.split()[1]
    front, _, ticket = link.rpartition("/")
    assert front == f"{place.settings.portal.public_url}/agents/inscription"
    assert ticket not in said.err
    assert listed(place)[1:] == ["auditor", "invited", NAME, f"<{EMAIL}>"]
    with place.open() as installation:
        door, browser = staff_door(installation), new_token()
        secret = door.enrolment(ticket, browser).secret
        code = code_of(installation, secret)
        entered = door.enrol(ticket, browser, password=STAFF_PASSWORD, code=code)
        session = find(installation.services, installation.access, entered.token)
        assert session is not None
        assert session.member == UUID(member)
    assert listed(place)[2] == "enrolled"
    (line,) = place.run("staff", "list", "--json").out.splitlines()
    told = json.loads(line)
    assert (told["id"], told["role"], told["state"]) == (member, "auditor", "enrolled")
    assert EMAIL not in line
    assert place.run("staff", "link", member).code == 0
    assert listed(place)[2] == "invited"
    assert place.run("staff", "revoke", member).code == 0
    assert listed(place) == [member, "auditor", "revoked", "—"]
    assert place.run("staff", "link", member).code == 1


def listed(place: Place) -> list[str]:
    (line,) = place.run("staff", "list").out.splitlines()
    head, name, tail = line.partition(NAME)
    return head.split() + ([name] if name else []) + tail.split()


def test_a_member_needs_a_role_that_can_be_given(place: Place) -> None:
    who = ("--name", NAME, "--email", EMAIL)
    for arguments in ((), ("--role", "god"), ("--role", "adviser")):
        assert place.run("staff", "add", *who, *arguments).code == 2
    assert place.run("staff", "list").out.startswith("nobody")
