"""Auditors read the record entry by entry to its beginning, and nothing that is sealed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from application.access.roles import StaffRole
from application.auditing import private_zones
from tests.adapters.http.api.conftest import founded, site, world

if TYPE_CHECKING:
    from tests.adapters.http.api.conftest import World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made
ADDRESS = "/agents/registre"


def test_every_entry_is_shown_once_from_the_latest_to_the_first(world: World) -> None:
    browser = world.staff[StaffRole.AUDITOR].client
    size = world.ledger.store.cursor().size
    assert size > 50
    address, seen, pages = ADDRESS, list[int](), 0
    while address:
        page = browser.get(address).text
        seen += map(int, re.findall(r'<th scope="row">(\d+)</th>', page))
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address, pages = following[1] if following else "", pages + 1
    assert seen == list(range(size))[::-1]
    assert pages > 1


def test_times_ids_and_roles_are_shown_and_nothing_of_anybody(world: World) -> None:
    browser = world.staff[StaffRole.AUDITOR].client
    address, text = f"{ADDRESS}?avant={world.ledger.store.cursor().size}", ""
    while address:
        page = browser.get(address).text
        text += page
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1] if following else ""
    assert "ConsentGranted.v1" in text
    assert "ErasureRequested.v1" in text
    assert world.owner.consent in text
    homes = [one.home for one in (world.owner, world.other, world.withdrawn) if one.home]
    for told in ("Leaver", "Person0", *(home.number for home in homes)):
        assert told not in text


def test_what_is_no_index_is_nothing(world: World) -> None:
    browser = world.staff[StaffRole.AUDITOR].client
    for wrong in ("x", "-1", "1" * 13, "١"):
        assert browser.get(ADDRESS, params={"avant": wrong}).status_code == 404
    assert browser.get(f"{ADDRESS}?avant=0").status_code == 200
    assert private_zones(world.ledger.services, 10**11).entries[0].index > 0
