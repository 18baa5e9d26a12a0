"""A form that is sent twice is one act, and one that was overtaken says nothing any more."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.http.pages import words
from application import viewing
from domain.aggregates.consent import ConsentStatus
from domain.values import Category
from tests.adapters.http.api.conftest import founded, site, world

if TYPE_CHECKING:
    import httpx

    from application.views import ConsentView
    from tests.adapters.http.api.conftest import Person, World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made


def address_of(person: Person) -> str:
    """Where a person is asked for something that none of them was asked for before."""
    return f"/compteurs/{person.meter}/accord/puissance-maximale"


def drawn(person: Person) -> dict[str, str]:
    """Load the question; return the hidden fields of its form."""
    page = person.client.get(address_of(person)).text
    form = re.search(r'<form id="reponse".*?</form>', page, re.DOTALL)
    assert form is not None, page
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)">', form[0]))


def press(person: Person, form: dict[str, str], answer: str) -> httpx.Response:
    told = {**form, "reponse": answer, "titulaire": "Bouvier"}
    return person.client.post(address_of(person), data=told, follow_redirects=False)


def answers(world: World, person: Person) -> list[ConsentView]:
    """Return what a person answered to the question, the oldest first."""
    assert person.home is not None
    seen = viewing.overview(world.ledger.services, person.home.account)
    found = [one for one in seen.consents if one.category is Category.MAXIMUM_POWER]
    return sorted(found, key=lambda one: one.answered_at)


def test_a_refusal_that_is_sent_many_times_is_kept_once(world: World) -> None:
    form = drawn(world.other)
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: press(world.other, form, "refuser"), range(4)))
    said.append(press(world.other, form, "refuser"))
    assert {(one.status_code, one.headers["Location"]) for one in said} == {
        (303, "/accueil?fait=refuse")
    }
    assert [one.status for one in answers(world, world.other)] == [ConsentStatus.REFUSED]


def test_a_consent_is_given_once_by_one_form_and_a_new_form_is_a_new_act(world: World) -> None:
    before = len(answers(world, world.other))
    form = drawn(world.other)
    said = {press(world.other, form, "accepter").headers["Location"] for _ in range(3)}
    assert said == {"/accueil?fait=accepte"}
    assert len(answers(world, world.other)) == before + 1
    for _ in range(2):
        assert press(world.owner, drawn(world.owner), "refuser").status_code == 303
    assert len(answers(world, world.owner)) == 2


def test_a_form_that_another_answer_has_overtaken_is_asked_again(world: World) -> None:
    person = world.withdrawn
    first = drawn(person)
    press(person, first, "refuser")
    press(person, drawn(person), "accepter")
    assert press(person, first, "refuser").headers["Location"] == address_of(person)
    given = answers(world, person)[-1]
    assert given.status is ConsentStatus.GRANTED
    token = {"form_token": first["form_token"]}
    person.client.post(f"/accords/{given.id}/retrait", data=token)
    second = drawn(person)
    press(person, second, "accepter")
    newest = answers(world, person)[-1]
    person.client.post(f"/accords/{newest.id}/retrait", data=token)
    assert press(person, second, "accepter").headers["Location"] == address_of(person)
    assert answers(world, person)[-1].status is ConsentStatus.WITHDRAWN


def test_a_consent_that_was_withdrawn_says_when(world: World) -> None:
    person = world.owner
    form = drawn(person)
    press(person, form, "accepter")
    given = answers(world, person)[-1]
    assert given.withdrawn_at is None
    assert "Retiré</dt>" not in person.client.get(f"/accords/{given.id}").text
    token = {"form_token": form["form_token"]}
    person.client.post(f"/accords/{given.id}/retrait", data=token)
    withdrawn_at = answers(world, person)[-1].withdrawn_at
    assert withdrawn_at is not None
    for page in ("/accords", f"/accords/{given.id}"):
        told = person.client.get(page).text
        assert f"<dt>Retiré</dt><dd>le {words.at(withdrawn_at)}</dd>" in told
    said = person.client.get(f"/api/v1/consents/{given.id}").json()["withdrawn_at"]
    assert datetime.fromisoformat(said) == withdrawn_at
