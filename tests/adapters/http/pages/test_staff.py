"""Staff in the portal: in by a link and a button, each role with its own pages, and out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.http.pages import words
from application.access.staff import invite
from application.access.stores import StaffRole
from tests.adapters.http.api.conftest import LAST_DAY, founded, site, world
from tests.adapters.http.entering import form_token_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.http.api.conftest import World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made


@pytest.fixture
def browser(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url) as client:
        yield client


def press(browser: httpx.Client, address: str) -> httpx.Response:
    """Open a page and press its one button."""
    token = form_token_in(browser.get(address).text)
    return browser.post(address, data={"form_token": token})


def enter(world: World, browser: httpx.Client, role: StaffRole) -> httpx.Response:
    ticket = invite(world.ledger.services, role)
    answer = press(browser, f"/agents/entree/{ticket}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents")
    return browser.get("/agents")


def test_looking_at_a_link_does_not_use_it_up_and_the_button_does(
    world: World, browser: httpx.Client
) -> None:
    address = f"/agents/entree/{invite(world.ledger.services, StaffRole.AUDITOR)}"
    for _ in range(3):
        assert httpx.get(world.url + address).status_code == 200
        assert httpx.head(world.url + address).status_code in {200, 405}
    assert press(browser, address).status_code == 303
    with httpx.Client(base_url=world.url) as other:
        assert press(other, address).status_code == 410
        assert other.get("/agents").status_code == 403


@pytest.mark.parametrize("role", StaffRole)
def test_each_role_is_told_what_it_has(
    world: World, browser: httpx.Client, role: StaffRole
) -> None:
    page = enter(world, browser, role)
    assert page.status_code == 200
    assert ("/cle-publique" in page.text) == (role is StaffRole.AUDITOR)
    assert ("sans rôle" in page.text) == (role is StaffRole.NONE)


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(
    world: World, browser: httpx.Client
) -> None:
    page = enter(world, browser, StaffRole.AUDITOR)
    kept = browser.cookies[world.cookie]
    token = form_token_in(page.text)
    assert browser.post("/deconnexion", data={"form_token": token}).status_code == 303
    cookies = {world.cookie: kept}
    assert httpx.get(f"{world.url}/agents", cookies=cookies).status_code == 403


def test_staff_read_nothing_of_a_resident(world: World, browser: httpx.Client) -> None:
    enter(world, browser, StaffRole.ADMINISTRATOR)
    for path in ("/accueil", "/consommation", "/accords", "/mes-donnees"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")
    for path in ("account", "export", "consents", f"consents/{world.owner.consent}/consumption"):
        assert browser.get(f"/api/v1/{path}").status_code == 401


def test_an_administrator_sees_how_collection_goes_and_nothing_of_anybody(
    world: World, browser: httpx.Client
) -> None:
    assert "/agents/collecte" in enter(world, browser, StaffRole.ADMINISTRATOR).text
    page = browser.get("/agents/collecte")
    assert page.status_code == 200
    late = [world.owner, world.other]
    assert all(person.meter in page.text for person in late)
    assert page.text.count("En retard</td>") == 2
    assert words.day(LAST_DAY) in page.text
    homes = [person.home for person in (*late, world.withdrawn) if person.home]
    assert len(homes) == 3
    for home in homes:
        for told in (home.number, home.number[:3] + "\u00a0", str(home.account), "Person"):
            assert told not in page.text
    assert "kWh" not in page.text
    assert world.withdrawn.meter not in page.text


def test_totals_stand_at_the_top_once_they_are_counted(world: World, browser: httpx.Client) -> None:
    enter(world, browser, StaffRole.ADMINISTRATOR)
    browser.get("/agents/collecte")
    pages = (browser.get("/agents/collecte").text for _ in range(100))
    page = next(one for one in pages if "Le compte est en cours" not in one)
    assert "comptées le" in page
    assert '<td data-name="En retard">2</td>' in page


def test_meters_are_told_page_by_page_to_the_end(world: World, browser: httpx.Client) -> None:
    enter(world, browser, StaffRole.ADMINISTRATOR)
    accounts = sorted(p.home.account for p in (world.owner, world.other) if p.home)
    address = f"/agents/collecte?voir=tout&apres={accounts[0]}"
    page = browser.get(address)
    assert page.text.count("En retard</td>") == 1
    assert "← Début" in page.text
    assert "Suite →" not in page.text
    assert browser.get("/agents/collecte?apres=nowhere").status_code == 404


@pytest.mark.parametrize("role", [StaffRole.NONE, StaffRole.AUDITOR])
def test_collection_is_for_an_administrator_alone(
    world: World, browser: httpx.Client, role: StaffRole
) -> None:
    assert "/agents/collecte" not in enter(world, browser, role).text
    assert browser.get("/agents/collecte").status_code == 403
