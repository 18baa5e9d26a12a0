"""« Tout arrêter »: what a resident can stop, and an erasure from their side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import httpx
import pytest

from adapters.http.pages import words
from application import answering, erasure, residents
from application.access import sessions
from application.access.roles import StaffRole, actor
from application.services import new_id
from application.upkeep import look_after
from domain.aggregates import account, consent
from domain.aggregates.account import AccountStatus
from domain.aggregates.consent import ConsentStatus
from domain.errors import Unavailable
from domain.values import Category, Fluid, Point, month_after
from metroledger.portal import site_of
from tests.adapters.http.api.conftest import founded, site, world
from tests.adapters.http.entering import form_token_in
from tests.application.test_letters import written
from tests.application.world import ENTRY, grant, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.values import Actor
    from tests.adapters.http.api.conftest import World
    from tests.application.world import Household

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made
REASON = "un juge demande ces relevés"
_numbers = iter(range(10_000_000_000_001, 10_000_000_000_099))


@pytest.fixture
def home(world: World) -> Household:
    kinds = (Category.DAILY_INDEX, Category.MAXIMUM_POWER)
    return settle(world.ledger, str(next(_numbers)), name="Selma Leaver", categories=kinds)


@pytest.fixture
def browser(world: World, home: Household) -> Iterator[httpx.Client]:
    token = sessions.begin(world.ledger.services, world.ledger.access, account=home.account)
    with httpx.Client(base_url=world.url, cookies={world.cookie: token}, timeout=30) as client:
        yield client


def press(browser: httpx.Client, page: str, action: str = "", **fields: str) -> httpx.Response:
    """Send a form of a page."""
    form = {"form_token": form_token_in(browser.get(page).text)} | fields
    return browser.post(action or page, data=form)


def somebody() -> Actor:
    return actor(StaffRole.ADMINISTRATOR, new_id())


def status_of(world: World, home: Household) -> list[ConsentStatus]:
    loaded = (world.ledger.ledger.load(consent, one).state for one in home.consents)
    return [state.status for state in loaded]


def test_every_page_leads_there_and_one_button_stops_everything(
    world: World, home: Household, browser: httpx.Client
) -> None:
    for page in ("/accueil", "/accords", "/qui-voit-mes-donnees", "/mes-donnees", "/effacement"):
        assert 'href="/tout-arreter"' in browser.get(page).text
    assert press(browser, "/tout-arreter", quoi="tout").status_code == 303
    assert set(status_of(world, home)) == {ConsentStatus.WITHDRAWN}
    page = browser.get("/tout-arreter?fait=arrete").text
    assert "La collecte est arrêtée" in page
    assert "aucun accord n’est en cours" in page


def test_one_meter_is_stopped_and_the_other_goes_on(
    world: World, home: Household, browser: httpx.Client
) -> None:
    number = str(next(_numbers))
    point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=number)
    services = world.ledger.services
    other = residents.declare_meter(services, home.account, point, entry_day=ENTRY, power_kva=None)
    stays = grant(world.ledger, home.account, other)
    page = browser.get("/tout-arreter").text
    assert words.meter_number(number) in page
    assert press(browser, "/tout-arreter", quoi=str(home.meter)).status_code == 303
    assert set(status_of(world, home)) == {ConsentStatus.WITHDRAWN}
    assert world.ledger.ledger.load(consent, stays).state.status is ConsentStatus.GRANTED
    for wrong in ("", str(home.meter), str(world.owner.meter), "autre"):
        assert press(browser, "/tout-arreter", quoi=wrong).status_code == 404
    assert world.ledger.ledger.load(consent, stays).state.status is ConsentStatus.GRANTED


def test_before_asking_it_is_said_what_happens_when_and_what_stays(
    world: World, browser: httpx.Client
) -> None:
    page = browser.get("/effacement").text
    assert words.day(month_after(world.ledger.clock())) in page
    for said in ("gestionnaire du réseau", "reçu", "La preuve de vos accords est effacée"):
        assert said in page
    assert page.index("export?format=csv") < page.index("Demander l’effacement")


def test_a_request_has_its_receipt_its_letter_and_a_link_that_needs_no_account(
    world: World, home: Household, browser: httpx.Client
) -> None:
    assert browser.get("/effacement/recu.tlog-proof").status_code == 404
    assert press(browser, "/effacement").status_code == 303
    page = browser.get("/effacement").text
    receipt = browser.get("/effacement/recu.tlog-proof")
    assert receipt.text.startswith("c2sp.org/tlog-proof@v1\n")
    (link,) = re.findall(r'href="\S+(/effacement/suivi/[^"]+)"', page)
    assert "/effacement/suivi/" in written(world.ledger)[-1]
    with httpx.Client(base_url=world.url) as stranger:
        assert "identité à vérifier" in stranger.get(link).text
        services = world.ledger.services
        erasure.check_identity(services, home.account, somebody(), means="rappelé")
        site_of(world.ledger).desk.validate(home.account, somebody())
        assert "effacement en cours" in stranger.get(link).text
        assert "acceptée" in browser.get("/effacement").text
        look_after(services, world.ledger.cursors)
        followed = stranger.get(link)
        assert followed.status_code == 200
        assert words.typeset("État : effacé.") in followed.text
        for told in ("Selma", home.number, str(home.account), "rappelé"):
            assert told not in followed.text
    assert browser.get("/effacement").headers["location"] == "/connexion"


def test_a_request_is_taken_back_while_it_waits(
    world: World, home: Household, browser: httpx.Client
) -> None:
    press(browser, "/effacement")
    answer = press(browser, "/effacement", "/effacement/reprise")
    assert (answer.status_code, answer.headers["location"]) == (303, "/tout-arreter?fait=reprise")
    assert world.ledger.ledger.load(account, home.account).state.status is AccountStatus.ACTIVE
    assert "Demander l’effacement" in browser.get("/effacement").text
    assert set(status_of(world, home)) == {ConsentStatus.GRANTED}


def test_a_hold_and_a_refusal_are_told_with_their_reasons(
    world: World, home: Household, browser: httpx.Client
) -> None:
    press(browser, "/effacement")
    answering.hold(world.ledger.services, home.account, somebody(), reason=REASON)
    held = browser.get("/effacement").text
    assert REASON in held
    assert "suspendue" in held
    answering.lift(world.ledger.services, home.account, somebody())
    assert REASON not in browser.get("/effacement").text
    answering.refuse(world.ledger.services, home.account, somebody(), reason=REASON)
    refused = browser.get("/effacement").text
    assert "a été refusée" in refused
    assert REASON in refused
    assert "cnil.fr" in refused
    press(browser, "/effacement")
    assert REASON not in browser.get("/effacement").text


class Silent:
    """A log that does not answer."""

    def __getattr__(self, _name: str) -> NoReturn:
        raise Unavailable


def test_while_the_log_is_away_what_ends_is_taken_and_told_so(
    world: World, browser: httpx.Client, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = home.consents
    world.ledger.shown.catch_up()
    browser.get("/accords")
    with monkeypatch.context() as outage:
        outage.setattr(world.ledger.ledger.folder, "log", Silent())
        sent = press(browser, f"/accords/{first}/retrait")
        assert sent.headers["Location"] == "/accords?fait=retrait-garde"
        assert words_of(browser, sent.headers["Location"]).count("vaut dès maintenant") == 1
        stop = press(browser, "/tout-arreter", action="/effacement")
        assert stop.headers["Location"] == "/tout-arreter?fait=effacement-garde"
        denied = browser.get(f"/consommation/{second}")
        assert denied.status_code == 403
        assert "Vous avez demandé l’effacement de votre compte" in denied.text
    look_after(world.ledger.services, world.ledger.cursors)
    assert world.ledger.ledger.load(consent, first).state.status is ConsentStatus.WITHDRAWN
    asked = world.ledger.ledger.load(account, home.account).state.status
    assert asked is AccountStatus.ACTIVE_LEAVING


def words_of(browser: httpx.Client, page: str) -> str:
    return browser.get(page).raise_for_status().text
