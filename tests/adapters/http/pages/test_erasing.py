"""The queue of erasures in the portal: who sees what of it, and what each button does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.http.pages.certificate import verify_page
from application.access.roles import StaffRole
from application.notices import acknowledge, notices_of
from application.upkeep import look_after
from metroledger.bootstrap import administrator as administrator_of
from metroledger.portal import site_of
from proofs.certificate import verify_certificate
from tests.adapters.http.api.conftest import founded, site, world
from tests.adapters.http.entering import form_token_in
from tests.application.world import settle

if TYPE_CHECKING:
    from uuid import UUID

    from tests.adapters.http.api.conftest import World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made
QUEUE = "/agents/effacements"


@pytest.fixture
def administrator(world: World) -> httpx.Client:
    return world.staff[StaffRole.ADMINISTRATOR].client


def press(browser: httpx.Client, account: UUID, button: str, **fields: str) -> httpx.Response:
    page = browser.get(f"{QUEUE}/{account}").text
    form = {"form_token": form_token_in(page)} | fields
    return browser.post(f"{QUEUE}/{account}/{button}", data=form)


def test_the_queue_names_nobody_and_leads_to_each_request(
    world: World, administrator: httpx.Client
) -> None:
    page = administrator.get(QUEUE).text
    assert f"{QUEUE}/{world.leaver}" in page
    assert "encore" in page
    assert "identité à vérifier" in page
    assert "Leaver" not in page
    assert "@" not in page.replace("dpo@metropole.example", "")


def test_who_asks_is_shown_and_sees_that_they_were_looked_at(
    world: World, administrator: httpx.Client
) -> None:
    assert world.owner.home is not None
    account = world.owner.home.account
    site_of(world.ledger).desk.request(account)
    before = world.owner.client.get("/qui-voit-mes-donnees").text
    assert "Personne. Les pages des agents" in before
    shown = administrator.get(f"{QUEUE}/{account}").text
    assert "Person0" in shown
    officer = world.staff[StaffRole.DATA_PROTECTION_OFFICER].client
    assert "Person0" in officer.get(f"{QUEUE}/{account}").text
    page = world.owner.client.get("/qui-voit-mes-donnees").text
    assert page.count("une personne de l’administration") == 1
    assert page.count("une personne de la protection des données") == 1
    assert page.count("répondre à votre demande d’effacement") == 2
    seen = world.owner.get("export?format=json").json()["seen_by_staff"]
    assert [one["role"] for one in seen] == ["data_protection_officer", "administrator"]


def test_each_role_has_the_buttons_of_its_rights(world: World, administrator: httpx.Client) -> None:
    officer = world.staff[StaffRole.DATA_PROTECTION_OFFICER].client
    pages = {one: one.get(f"{QUEUE}/{world.leaver}").text for one in (administrator, officer)}
    assert all("Suspendre la demande" in page for page in pages.values())
    for button in ("Noter la vérification", "Refuser la demande"):
        assert button in pages[administrator]
        assert button not in pages[officer]
    assert "Valider l’effacement" not in pages[administrator], "nobody was identified yet"


def test_a_field_that_is_missing_is_asked_for_again(
    world: World, administrator: httpx.Client
) -> None:
    for button in ("identite", "refus", "suspension"):
        answer = press(administrator, world.leaver, button)
        assert answer.status_code == 422
        assert "Un point à corriger" in answer.text
    assert administrator.get(f"{QUEUE}/{world.withdrawn.meter}").status_code == 404


def test_from_request_to_certificate(world: World, administrator: httpx.Client) -> None:
    leaver, desk = world.leaver, site_of(world.ledger).desk
    link = desk.link(leaver).removeprefix(desk.services.public_url)
    assert "certificat.json" not in administrator.get(f"{QUEUE}/{leaver}").text
    for address in (f"{QUEUE}/{leaver}", link):
        assert administrator.get(f"{address}/certificat").status_code == 404
        assert administrator.get(f"{address}/certificat.json").status_code == 404
    assert press(administrator, leaver, "validation").status_code == 409
    assert press(administrator, leaver, "identite", moyen="rappelé").status_code == 303
    assert press(administrator, leaver, "suspension", motif_suspension="juge").status_code == 303
    page = administrator.get(f"{QUEUE}/{leaver}").text
    assert "juge" in page
    assert "Valider l’effacement" not in page
    assert press(administrator, leaver, "reprise").status_code == 303
    assert press(administrator, leaver, "validation").status_code == 303
    page = administrator.get(f"{QUEUE}/{leaver}").text
    assert "en cours" in page
    assert "Leaver" not in page
    look_after(world.ledger.services, world.ledger.cursors)
    page = administrator.get(f"{QUEUE}/{leaver}").text
    assert "Certificat" in page
    assert "Clés détruites" in page
    assert "effacé" in administrator.get(QUEUE).text
    has_the_certificate(world, administrator, f"{QUEUE}/{leaver}")
    with httpx.Client(base_url=world.url) as stranger:
        has_the_certificate(world, stranger, link)


def has_the_certificate(world: World, browser: httpx.Client, address: str) -> None:
    """A page leads to both forms of the certificate; they are one, and say nothing of anybody."""
    said, verifiers = browser.get(address).text, [world.ledger.verifier]
    assert f'href="{address}/certificat"' in said
    assert f'href="{address}/certificat.json" download' in said
    page = browser.get(f"{address}/certificat")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    file = browser.get(f"{address}/certificat.json")
    assert file.headers["Content-Disposition"].endswith('filename="certificat.json"')
    proven = verify_certificate(file.content, verifiers)
    assert verify_page(page.content, verifiers).says == proven.says
    for told in ("Leaver", str(world.leaver), "rappelé", "juge"):
        assert told not in file.text + page.text


def test_a_notice_that_needs_a_person_stands_on_the_page_of_its_erasure(
    world: World, administrator: httpx.Client
) -> None:
    services, home = world.ledger.services, settle(world.ledger, "09111642617341")
    site_of(world.ledger).desk.request(home.account)
    assert press(administrator, home.account, "identite", moyen="rappelé").status_code == 303
    assert press(administrator, home.account, "validation").status_code == 303
    look_after(services, world.ledger.cursors)
    page = administrator.get(f"{QUEUE}/{home.account}").text
    ((reference, _),) = notices_of(services, home.account).items()
    assert "Enedis\u00a0: à voir par une personne (aucune adresse n’est connue)" in page
    assert str(reference) in page
    assert home.number not in page
    acknowledge(services, reference, administrator_of(world.ledger))
    assert str(reference) not in administrator.get(f"{QUEUE}/{home.account}").text
    assert str(reference) not in administrator.get(f"{QUEUE}/{world.leaver}").text
