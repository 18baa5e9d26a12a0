"""Hostile strings in every field of every form: nothing breaks, nothing is markup in an answer."""

from __future__ import annotations

import re
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from application.access.roles import StaffRole
from metroledger.portal import site_of
from tests.adapters.http.api.conftest import world
from tests.adapters.http.hostile import MARK, hostile
from tests.application.conftest import founded, site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.http.api.conftest import World

__all__ = ["founded", "site", "world"]  # fixtures, taken from where they are made
STRINGS: Final = 5_000
SAMPLED_A_FIELD: Final = 12
TYPED_AGAIN: Final = re.compile(r'value="[^"<>]*"')
"""What was typed stands in its field again, escaped; anywhere else it would be an echo."""

FORMS: Final[dict[str, dict[str, str]]] = {
    "/inscription": {"email": ""},
    "/inscription/ticket": {"nom": "", "mot_de_passe": ""},
    "/connexion": {"email": "", "mot_de_passe": ""},
    "/mot-de-passe-oublie": {"email": ""},
    "/nouveau-mot-de-passe/ticket": {"mot_de_passe": ""},
    "/conditions": {"reponse": "accepter", "version": ""},
    "/compteurs/nouveau": {"numero": "", "entree": "2024-01-01", "puissance": ""},
    "/compteurs/{meter}/accord/puissance-maximale": {
        "reponse": "accepter",
        "version": "1",
        "titulaire": "",
    },
    "/tout-arreter": {"quoi": ""},
    "/agents/connexion": {"email": "", "mot_de_passe": "", "code": ""},
    "/agents/inscription/ticket": {"mot_de_passe": "", "code": ""},
    "/agents/effacements/{account}/suspension": {"motif_suspension": ""},
    "/agents/effacements/{account}/identite": {"moyen": ""},
    "/agents/effacements/{account}/refus": {"motif_refus": ""},
}
ASKED: Final = (
    "/consommation/{consent}?par={said}",
    "/consommation/{consent}?par=jour&periode={said}",
    "/accords?fait={said}",
    "/consommation/{said}",
    "/compteurs/{said}/accord/index-quotidien",
    "/compteurs/{meter}/accord/{said}",
    "/accords/{said}/recu.tlog-proof",
    "/inscription/{said}",
    "/effacement/suivi/{said}",
    "/agents/inscription/{said}",
    "/static/{said}",
    "/{said}",
)


def faults(world: World, address: str, strings: Iterator[str], count: int) -> list[str]:
    """Send strings to one address, in each of its fields in turn; say what went wrong."""
    of_staff = address.startswith("/agents")
    person = world.staff[StaffRole.ADMINISTRATOR] if of_staff else world.owner
    token = person.client.headers["X-Form-Token"]
    path = address.format(meter=world.owner.meter, account=world.leaver)
    found = []
    for name in FORMS[address]:
        for said in islice(strings, count):
            form = FORMS[address] | {"form_token": token, name: clean(said)}
            answer = person.client.post(path, data=form)
            found += judge(f"{address} {name}", answer.status_code, answer.text)
    return found


def judge(where: str, status: int, text: str) -> list[str]:
    if status >= 500:
        return [f"{where}: {status}"]
    return [f"{where}: echoed"] if MARK in TYPED_AGAIN.sub("", text) else []


def clean(said: str) -> str:
    """A string as a form can carry it: what has no UTF-8 is sent by the raw bytes of its kin."""
    return said.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("address", FORMS)
def test_hostile_strings_in_a_form_break_nothing_and_are_no_markup(
    world: World, address: str
) -> None:
    strings = cycle(hostile(700))
    assert faults(world, address, strings, SAMPLED_A_FIELD) == []


def test_what_was_recorded_is_shown_again_as_text_and_never_as_markup(world: World) -> None:
    client = world.staff[StaffRole.ADMINISTRATOR].client
    assert world.other.home is not None
    account = world.other.home.account
    site_of(world.ledger).desk.request(account)
    said, token = f"<script>{MARK}</script>", client.headers["X-Form-Token"]
    page = f"/agents/effacements/{account}"
    for button, name in (("identite", "moyen"), ("suspension", "motif_suspension")):
        answer = client.post(f"{page}/{button}", data={"form_token": token, name: said})
        assert answer.status_code == 303
    for shown in (client.get(page).text, world.other.client.get("/effacement").text):
        assert f"&lt;script&gt;{MARK}" in shown
        assert said not in shown


def test_hostile_strings_in_an_address_break_nothing_and_are_not_echoed(world: World) -> None:
    found = []
    strings = cycle(hostile(700))
    for address in ASKED:
        for said in islice(strings, SAMPLED_A_FIELD):
            quoted = quote(clean(said)[:2_000], safe="")
            path = address.format(said=quoted, consent=world.owner.consent, meter=world.owner.meter)
            answer = world.owner.client.get(path)
            found += judge(address, answer.status_code, answer.text)
    assert found == []


def test_bytes_that_are_no_text_and_fields_without_end_break_nothing(world: World) -> None:
    for body in (b"\xff\xfe\x00=%", b"&".join([b"a=1"] * 500), b"%" * 60_000, b"=" * 60_000):
        assert world.owner.client.post("/connexion", content=body).status_code == 403


@pytest.mark.campaign
def test_every_hostile_string_in_every_field_of_every_form(world: World) -> None:
    strings = hostile(STRINGS)
    found = [one for each in FORMS for one in faults(world, each, iter(strings * 9), STRINGS)]
    fields = sum(map(len, FORMS.values()))
    print(f"{STRINGS} hostile strings in {fields} fields of {len(FORMS)} forms")
    assert found == []
