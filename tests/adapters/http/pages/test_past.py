"""« Effacer le passé d’un compteur », from the resident's side: two clicks, a receipt, a link."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.dso.enedis.series import town
from adapters.http.pages import words
from adapters.http.pages.certificate import verify_page
from application import answering, erasure
from application.access import sessions
from application.access.roles import StaffRole
from application.reactions import write_letters
from application.residents import resident
from application.upkeep import look_after
from domain.values import civil_day
from metroledger.bootstrap import administrator
from proofs.certificate import verify_certificate
from tests.adapters.http.api.conftest import founded, site, world
from tests.adapters.http.entering import form_token_in
from tests.adapters.http.pages.test_leaving import Silent
from tests.application.test_door import letters
from tests.application.world import grant, settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adapters.http.api.conftest import World
    from tests.application.world import Household

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made
METERS = town(1107, 30)
_next = iter(METERS)


@pytest.fixture
def home(world: World, tmp_path: Path) -> Household:
    meter = next(_next)
    home = settle(world.ledger, meter.number, name="Selma Partial")
    for night in write_nights(tmp_path / "nights", [meter], [date(2026, 3, 1), date(2026, 3, 2)]):
        take(world.ledger, night)
    return home


@pytest.fixture
def browser(world: World, home: Household) -> Iterator[httpx.Client]:
    token = sessions.begin(world.ledger.services, world.ledger.access, account=home.account)
    with httpx.Client(base_url=world.url, cookies={world.cookie: token}, timeout=30) as client:
        yield client


def ask(browser: httpx.Client, home: Household) -> httpx.Response:
    """Press the button of the page that says what it means."""
    address = f"/effacement/compteurs/{home.meter}"
    page = browser.get(address).text
    (once,) = re.findall(r'name="envoi" value="([^"]+)"', page)
    return browser.post(address, data={"form_token": form_token_in(page), "envoi": once})


def test_two_clicks_lead_to_what_it_means(home: Household, browser: httpx.Client) -> None:
    assert 'href="/tout-arreter"' in browser.get("/accueil").text
    assert f'href="/effacement/compteurs/{home.meter}"' in browser.get("/tout-arreter").text
    told = browser.get(f"/effacement/compteurs/{home.meter}").text
    for said in ("gestionnaire du réseau", "reçu", "preuve de vos accords", "format=csv"):
        assert said in told


def test_a_request_is_carried_out_by_upkeep_and_followed_by_its_link_alone(
    world: World, home: Household, browser: httpx.Client
) -> None:
    sent = ask(browser, home)
    assert sent.status_code == 303
    page = browser.get(sent.headers["location"]).text
    assert "Votre demande est enregistrée" in page
    link = link_in(page)
    receipt = browser.get(sent.headers["location"] + "/recu.tlog-proof")
    assert receipt.status_code == 200
    assert home.number not in receipt.headers["content-disposition"]
    with httpx.Client(base_url=world.url) as stranger:
        assert "effacement en cours" in stranger.get(link).text
        look_after(world.ledger.services, world.ledger.cursors)
        followed = stranger.get(link).text
    assert "Les clés de ces mesures sont détruites" in followed
    assert words.meter_number(home.number) not in followed
    assert "Certificat" in browser.get(sent.headers["location"]).text


def test_the_link_and_the_staff_have_its_certificate_once_it_is_done(
    world: World, home: Household, browser: httpx.Client
) -> None:
    sent = ask(browser, home).headers["location"]
    link = link_in(browser.get(sent).text)
    request, queue = sent.rpartition("/")[2], "/agents/effacements"
    agent = world.staff[StaffRole.ADMINISTRATOR].client
    places = {
        browser: link,
        agent: f"{queue}/passe/{request}",
    }
    for reader, address in places.items():
        assert reader.get(f"{address}/certificat").status_code == 404
        assert reader.get(f"{address}/certificat.json").status_code == 404
    assert request in agent.get(queue).text
    assert f"{request}/certificat" not in agent.get(queue).text
    assert f"{link}/certificat" not in browser.get(link).text
    look_after(world.ledger.services, world.ledger.cursors)
    assert f'href="{queue}/passe/{request}/certificat"' in agent.get(queue).text
    assert f'href="{link}/certificat.json" download' in browser.get(link).text
    for reader, address in places.items():
        assert scope_of(world, reader, address) == "past"
    stranger = f"{queue}/passe/{home.account}/certificat"
    assert agent.get(stranger).status_code == 404, "of no request"


def test_what_went_with_the_whole_account_has_the_accounts_certificate(
    world: World, home: Household, browser: httpx.Client
) -> None:
    """A hold kept the past from being erased; then the whole account was."""
    services, link = world.ledger.services, link_in(browser.get(asked(browser, home)).text)
    agent = administrator(world.ledger)
    erasure.request(services, home.account, resident(home.account))
    answering.hold(services, home.account, agent, reason="un juge")
    look_after(services, world.ledger.cursors)
    with httpx.Client(base_url=world.url) as stranger:
        assert "effacement en cours" in stranger.get(link).text
        answering.lift(services, home.account, agent)
        erasure.check_identity(services, home.account, agent, means="appel")
        erasure.validate(services, home.account, agent)
        look_after(services, world.ledger.cursors)
        assert "effacé, avec tout le compte" in stranger.get(link).text
        assert scope_of(world, stranger, link) == "account"


def asked(browser: httpx.Client, home: Household) -> str:
    return str(ask(browser, home).headers["location"])


def link_in(page: str) -> str:
    (link,) = re.findall(r'href="[^"]*(/effacement/passe/suivi/[^"]+)"', page)
    return str(link)


def scope_of(world: World, reader: httpx.Client, address: str) -> object:
    """What an address's certificate is of; its page and its file are one."""
    verifiers = [world.ledger.verifier]
    file, page = (reader.get(f"{address}/certificat{end}") for end in (".json", ""))
    proven = verify_certificate(file.content, verifiers)
    assert verify_page(page.content, verifiers).says == proven.says
    return proven.says["scope"]


def test_a_letter_says_it_in_case_it_was_somebody_else(
    world: World, home: Household, browser: httpx.Client
) -> None:
    ask(browser, home)
    write_letters(world.ledger.services, world.ledger.cursors)
    letter = letters(world.ledger)[-1]
    assert "changez votre mot de passe" in letter
    assert "/effacement/passe/suivi/" in letter


def test_the_consumption_page_says_that_the_past_was_erased_as_asked(
    world: World, home: Household, browser: httpx.Client
) -> None:
    ask(browser, home)
    old = browser.get(f"/consommation/{home.consents[0]}")
    assert old.status_code == 403
    assert "est effacé, comme vous l’avez demandé" in old.text
    look_after(world.ledger.services, world.ledger.cursors)
    anew = grant(world.ledger, home.account, home.meter)
    day = words.day(civil_day(world.ledger.services.clock()))
    assert f"a été effacé à votre demande du {day}" in browser.get(f"/consommation/{anew}").text


def test_the_same_form_sent_twice_is_one_request(home: Household, browser: httpx.Client) -> None:
    address = f"/effacement/compteurs/{home.meter}"
    page = browser.get(address).text
    (once,) = re.findall(r'name="envoi" value="([^"]+)"', page)
    fields = {"form_token": form_token_in(page), "envoi": once}
    sent = [browser.post(address, data=fields).headers["location"] for _ in range(2)]
    assert len(set(sent)) == 1


def test_while_the_log_is_away_a_request_is_taken_and_told_so(
    world: World, home: Household, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ledger.shown.catch_up()
    browser.get("/accords")
    with monkeypatch.context() as outage:
        outage.setattr(world.ledger.ledger.folder, "log", Silent())
        sent = ask(browser, home)
        assert sent.headers["location"] == "/tout-arreter?fait=passe-garde"
        told = browser.get(sent.headers["location"]).text
        assert "est notée et vaut dès maintenant" in told
        assert f'href="/effacement/compteurs/{home.meter}"' not in told
        assert "votre demande est notée" in browser.get("/tout-arreter").text
        denied = browser.get(f"/consommation/{home.consents[0]}")
        assert denied.status_code == 403
        assert "est effacé, comme vous l’avez demandé" in denied.text
    look_after(world.ledger.services, world.ledger.cursors)
    page = browser.get("/tout-arreter").text
    assert "votre demande est notée" not in page
    (address,) = re.findall(r'href="(/effacement/passe/[^"/]+)"', page)
    assert "sont détruites" in browser.get(address).text


def test_where_nothing_is_held_nothing_is_erased(
    world: World, home: Household, browser: httpx.Client
) -> None:
    ask(browser, home)
    look_after(world.ledger.services, world.ledger.cursors)
    again = ask(browser, home)
    assert again.status_code == 409
    assert "il n’y a rien à effacer" in again.text
