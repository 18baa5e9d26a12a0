"""A session is its browser's alone: no token that was known before, no form of another site."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from adapters.http.visitors import FORM_FIELD, STAFF
from application.access import sessions
from application.access.roles import StaffRole
from tests.adapters.http.api.conftest import founded, site, world
from tests.adapters.http.api.test_routes import API, names_of
from tests.adapters.http.entering import EMAIL, PASSWORD, Browser, Entrance, entrance
from tests.application.conftest import ledger, place
from tests.application.hiring import STAFF_PASSWORD, code_of, hire
from tests.application.test_door import letters, ticket_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metroledger.bootstrap import Installation
    from tests.adapters.http.api.conftest import Person, World

__all__ = [
    "founded",
    "ledger",
    "place",
    "site",
    "world",
]  # fixtures, taken from where they are made
EVIL: Final = "https://evil.example"
BEHIND_TLS: Final = "https://energie.metropole.example"


@pytest.fixture(params=[None, BEHIND_TLS], ids=["plain", "tls"])
def door(ledger: Installation, request: pytest.FixtureRequest) -> Iterator[Entrance]:
    with entrance(ledger, request.param) as found:
        yield found


@pytest.fixture
def browser(door: Entrance) -> Iterator[Browser]:
    with door.browser() as one:
        yield one


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_hosts(
    door: Entrance, browser: Browser
) -> None:
    secure = door.origin == BEHIND_TLS
    assert door.cookie == ("__Host-session" if secure else "session")
    answers = [browser.get("/connexion"), browser.sign_in(), browser.sign_out()]
    for answer in answers:
        (line,) = answer.headers.get_list("set-cookie")
        morsel = SimpleCookie(line)[door.cookie]
        assert morsel["httponly"] is True
        assert bool(morsel["secure"]) is secure
        assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", "")


def test_a_token_that_was_planted_before_signing_in_is_worth_nothing_after(
    door: Entrance, browser: Browser
) -> None:
    with door.browser() as attacker:
        attacker.get("/connexion")
        browser.cookies |= attacker.cookies
    planted = browser.token
    assert browser.sign_in().headers["location"] == "/accueil"
    assert browser.token != planted
    assert door.is_signed_in(browser.token)
    assert not door.is_signed_in(planted)


def test_a_token_that_we_never_gave_begins_no_session(door: Entrance, browser: Browser) -> None:
    for planted in (sessions.new_token(), "x" * 43, "short"):
        browser.cookies[door.cookie] = planted
        browser.sign_in()
        assert browser.token != planted
        assert not door.is_signed_in(planted)


def test_coming_in_anew_ends_the_session_before_it(door: Entrance, browser: Browser) -> None:
    browser.sign_in()
    begun = browser.token
    assert door.is_signed_in(begun)
    page = browser.get("/mes-donnees")
    browser.press(page, "/connexion", email=EMAIL, mot_de_passe=PASSWORD)
    assert browser.token != begun
    assert door.is_signed_in(browser.token)
    assert not door.is_signed_in(begun)


def test_staff_have_a_cookie_of_their_own_and_no_session_serves_on_both_sides(
    door: Entrance, browser: Browser
) -> None:
    member = hire(door.ledger, StaffRole.ADMINISTRATOR)
    secure = door.origin == BEHIND_TLS
    cookie = "__Host-agent" if secure else "agent"
    answer = browser.get("/agents/connexion")
    (line,) = answer.headers.get_list("set-cookie")
    morsel = SimpleCookie(line)[cookie]
    assert (morsel["httponly"], bool(morsel["secure"])) == (True, secure)
    assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", "")
    planted = browser.cookies[cookie]
    code = code_of(door.ledger, member.secret, 1)
    entered = browser.press(
        answer, "/agents/connexion", email=member.email, mot_de_passe=STAFF_PASSWORD, code=code
    )
    assert entered.headers["location"] == "/agents"
    token = browser.cookies[cookie]
    assert token != planted
    assert browser.get("/agents").status_code == 200
    assert not door.is_signed_in(token)
    browser.sign_in()
    assert browser.get("/agents").status_code == 200, "one browser may be both"
    browser.cookies[cookie] = browser.token
    assert browser.get("/agents").status_code == 303
    assert door.is_signed_in(browser.token), "and neither ended the other"


def test_a_new_password_ends_every_session_and_begins_one(door: Entrance, browser: Browser) -> None:
    with door.browser() as elsewhere:
        elsewhere.sign_in()
        browser.send("/mot-de-passe-oublie", email=EMAIL)
        ticket = wait_for_ticket(door)
        answer = browser.send(
            f"/nouveau-mot-de-passe/{ticket}", mot_de_passe="another one entirely"
        )
        assert answer.status_code == 303
        assert not door.is_signed_in(elsewhere.token)
    assert door.is_signed_in(browser.token)
    with door.browser() as later:
        used = later.get(f"/nouveau-mot-de-passe/{ticket}")
        assert (used.status_code, "mot_de_passe" in used.text) == (410, False)
        asked = later.get("/mot-de-passe-oublie")
        again = later.press(asked, f"/nouveau-mot-de-passe/{ticket}", mot_de_passe=PASSWORD)
        assert again.status_code == 410


def test_signing_out_ends_the_session_and_takes_the_cookie(
    door: Entrance, browser: Browser
) -> None:
    browser.sign_in()
    kept = browser.token
    assert browser.sign_out().status_code == 303
    assert browser.token == ""
    assert not door.is_signed_in(kept)


def test_no_form_is_taken_that_another_site_could_send(world: World) -> None:
    before = world.ledger.store.cursor()
    member = world.staff[StaffRole.ADMINISTRATOR]
    forms = [name.split()[1] for name in names_of(world.app.routes) if name.startswith("POST /")]
    pages = sorted(path for path in forms if not path.startswith(API))
    assert len(pages) > 10
    taken = [
        f"{path}: {what}: {status}"
        for path in pages
        for person in [member if path.startswith(STAFF) else world.owner]
        for what, status in forgeries(world, person, filled(world, path))
        if status != 403
    ]
    assert not taken, "\n".join(taken)
    assert world.ledger.store.cursor() == before
    assert world.owner.client.get("/mes-donnees").status_code == 200, "nobody was signed out"
    assert member.client.get("/agents").status_code == 200


def filled(world: World, path: str) -> str:
    return path.format(
        consent=world.owner.consent,
        account=world.leaver,
        meter=world.owner.meter,
        category="puissance-maximale",
        ticket="no-ticket",
    )


def forgeries(world: World, person: Person, path: str) -> Iterator[tuple[str, int]]:
    """Send a form as other sites could make a person's browser send it; what is answered."""
    ((cookie, token),) = person.client.cookies.items()
    own = sessions.form_token(token)
    wrong = {
        "none": None,
        "empty": "",
        "made up": "0" * 32,
        "another visitor's": sessions.form_token(sessions.new_token()),
        "the cookie": token,
        "cut": own[:-1],
        "no text": "\udc80é",
    }
    fields = {"reponse": "accepter", "version": "1", "email": EMAIL, "mot_de_passe": PASSWORD}
    with httpx.Client(base_url=world.url) as client:
        for what, said in wrong.items():
            form = (
                fields
                if said is None
                else fields | {FORM_FIELD: said.encode("utf-8", "replace").decode()}
            )
            client.cookies.set(cookie, token)
            yield f"token {what}", client.post(path, data=form).status_code
        for header, value in (
            ("Origin", EVIL),
            ("Origin", "null"),
            ("Origin", world.url + ".evil.example"),
            ("Origin", world.url.replace("http:", "https:")),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ):
            client.cookies.set(cookie, token)
            answer = client.post(path, data=fields | {FORM_FIELD: own}, headers={header: value})
            yield f"{header} {value}", answer.status_code
        client.cookies.clear()
        yield "no cookie", client.post(path, data=fields | {FORM_FIELD: own}).status_code


def wait_for_ticket(door: Entrance) -> str:
    """Return the ticket of the last letter, which is written beside the answer."""
    for _ in range(100):
        last = letters(door.ledger)[-1]
        if "nouveau-mot-de-passe" in last:
            return ticket_in(last)
        time.sleep(0.05)
    pytest.fail("no letter came")
