"""Staff in the portal: they enrol by a link, each role has its own pages, and out again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.http.pages import words
from application.access import members
from application.access.roles import GIVEN, Right, StaffRole, is_allowed
from tests.adapters.http.api.conftest import LAST_DAY, founded, site, world
from tests.adapters.http.entering import form_token_in
from tests.application.hiring import STAFF_PASSWORD, add, code_of, hire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.http.api.conftest import World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made


@pytest.fixture
def browser(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url) as client:
        yield client


def test_a_link_leads_from_nothing_to_the_staffs_home(world: World, browser: httpx.Client) -> None:
    member, profile = add(world.ledger, StaffRole.AUDITOR)
    address = (
        f"/agents/inscription/{members.invite(world.ledger.services, world.ledger.staff, member)}"
    )
    page = browser.get(address)
    assert page.status_code == 200
    assert profile.name in page.text
    assert "<svg" in page.text
    (secret,) = re.findall(r'class="secret">([A-Z2-7]{32})<', page.text)
    assert browser.get(address).text == page.text, "looking again shows the same"
    fields = {"form_token": form_token_in(page.text), "mot_de_passe": STAFF_PASSWORD}
    wrong = browser.post(address, data=fields | {"code": "000000"})
    assert wrong.status_code == 422
    assert secret in wrong.text
    short = browser.post(address, data=fields | {"mot_de_passe": "short"})
    assert short.status_code == 422
    assert "mot de passe de 12" in short.text
    right = fields | {"code": code_of(world.ledger, secret)}
    done = browser.post(address, data=right)
    assert done.status_code == 200
    assert len(set(re.findall(r"<code>((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</code>", done.text))) == 10
    assert "Votre rôle" in browser.get("/agents").text
    assert browser.get(address).status_code == 410
    assert browser.post(address, data=right).status_code in {403, 410}


def test_signing_in_says_nothing_of_what_was_wrong(browser: httpx.Client) -> None:
    page = browser.get("/agents/connexion")
    fields = {"form_token": form_token_in(page.text), "email": "nobody@metropole.example"}
    answer = browser.post("/agents/connexion", data=fields | {"mot_de_passe": "x", "code": "1"})
    assert answer.status_code == 401
    assert "ne vont pas ensemble" in answer.text
    assert 'value="1"' not in answer.text


@pytest.mark.parametrize("role", GIVEN)
def test_each_role_is_told_what_it_has(world: World, role: StaffRole) -> None:
    page = world.staff[role].client.get("/agents")
    assert page.status_code == 200
    assert words.ROLES[role] in page.text
    assert ("/cle-publique" in page.text) == is_allowed(role, Right.RECORD)
    assert ("/agents/collecte" in page.text) == is_allowed(role, Right.COLLECTION)


def test_who_is_revoked_is_asked_to_sign_in_at_their_next_page(
    world: World, browser: httpx.Client
) -> None:
    member = hire(world.ledger, StaffRole.ADMINISTRATOR)
    browser.cookies.set("agent", member.token)
    assert browser.get("/agents/collecte").status_code == 200
    members.revoke(world.ledger.services, world.ledger.staff, member.id)
    answer = browser.get("/agents/collecte")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents/connexion")


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(
    world: World, browser: httpx.Client
) -> None:
    member = hire(world.ledger, StaffRole.AUDITOR)
    browser.cookies.set("agent", member.token)
    token = form_token_in(browser.get("/agents").text)
    assert browser.post("/agents/deconnexion", data={"form_token": token}).status_code == 303
    assert httpx.get(f"{world.url}/agents", cookies={"agent": member.token}).status_code == 303


def test_staff_read_nothing_of_a_resident(world: World, browser: httpx.Client) -> None:
    member = hire(world.ledger, StaffRole.ADMINISTRATOR)
    for cookie in ("agent", world.cookie):
        browser.cookies.set(cookie, member.token)
    for path in ("/accueil", "/consommation", "/accords", "/mes-donnees"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")
    for path in ("account", "export", "consents", f"consents/{world.owner.consent}/consumption"):
        assert browser.get(f"/api/v1/{path}").status_code == 401


def test_an_administrator_sees_how_collection_goes_and_nothing_of_anybody(
    world: World,
) -> None:
    browser = world.staff[StaffRole.ADMINISTRATOR].client
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


def test_totals_stand_at_the_top_once_they_are_counted(world: World) -> None:
    browser = world.staff[StaffRole.ADMINISTRATOR].client
    browser.get("/agents/collecte")
    pages = (browser.get("/agents/collecte").text for _ in range(100))
    page = next(one for one in pages if "Le compte est en cours" not in one)
    assert "comptées le" in page
    assert '<td data-name="En retard">2</td>' in page


def test_meters_are_told_page_by_page_to_the_end(world: World) -> None:
    browser = world.staff[StaffRole.ADMINISTRATOR].client
    accounts = sorted(p.home.account for p in (world.owner, world.other) if p.home)
    address = f"/agents/collecte?voir=tout&apres={accounts[0]}"
    page = browser.get(address)
    assert page.text.count("En retard</td>") == 1
    assert "← Début" in page.text
    assert "Suite →" not in page.text
    assert browser.get("/agents/collecte?apres=nowhere").status_code == 404
