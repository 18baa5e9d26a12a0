"""The whole way of a resident in a real browser, from a stranger to somebody who takes it back.

Three times: on a phone, on a wide screen with the keyboard alone, and without any script.
Every page is looked at: axe finds nothing, nothing is wider than the screen, and a picture
stays in build/screenshots.
"""

from __future__ import annotations

import csv
import email
import email.policy
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from pyarrow import parquet

from adapters.dso.enedis.series import town
from domain.events.terms import TextKind
from domain.values import civil_day
from tests.adapters.http.browser.hands import Keyboard, Pointer
from tests.application.world import SEED, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Download

    from adapters.dso.enedis.series import SimulatedMeter
    from tests.adapters.http.browser.conftest import Portal

NAME: Final = "Camille d’Aubigné-Ñandú"
EMAIL: Final = "camille@example.org"
PASSWORD: Final = "cinq chats dorment au soleil"
TODAY: Final = civil_day(datetime.now(UTC))
WORDS_MAX: Final = 60

HANDS: Final[dict[str, tuple[type[Pointer], dict[str, Any]]]] = {
    "phone": (Pointer, {"viewport": {"width": 360, "height": 780}}),
    "keyboard": (Keyboard, {"viewport": {"width": 1280, "height": 900}}),
    "no-script": (
        Pointer,
        {"viewport": {"width": 1280, "height": 900}, "java_script_enabled": False},
    ),
}


@pytest.fixture(params=HANDS)
def hand(
    request: pytest.FixtureRequest, browser: Browser, portal: Portal, shots: Path
) -> Iterator[Pointer]:
    kind, options = HANDS[request.param]
    context = browser.new_context(base_url=portal.url, locale="fr-FR", **options)
    context.set_default_timeout(10_000)
    yield kind(context.new_page(), shots, options.get("java_script_enabled", True))
    context.close()


def test_a_resident_goes_the_whole_way(hand: Pointer, portal: Portal, shots: Path) -> None:
    meter = town(SEED, 1)[0]
    sign_up(hand, portal)
    accept_the_terms(hand)
    declare(hand, meter)
    answer(hand)
    data_arrives(portal, meter, TODAY - timedelta(days=70), TODAY - timedelta(days=3))
    look_at_consumption(hand)
    look_around(hand)
    verify_the_receipt(hand, portal, shots)
    take_the_data_away(hand, shots)
    withdraw_in_two_clicks(hand)
    nothing_more_is_taken_in(hand, portal, meter)
    new_terms_close_every_page(hand, portal)
    ask_for_erasure(hand)
    assert hand.faults == []
    assert len(hand.looked_at) > 20


def sign_up(hand: Pointer, portal: Portal) -> None:
    page = hand.page
    page.goto("/")
    assert words_of(hand) <= WORDS_MAX
    hand.look("home")
    hand.follow("Créer un compte")
    hand.look("sign-up")
    hand.fill("Votre adresse e-mail", "camille")
    hand.press("Recevoir le lien")
    hand.look("sign-up-refused")
    assert page.get_by_role("alert").get_by_role("link").get_attribute("href") == "#email"
    hand.fill("Votre adresse e-mail", EMAIL)
    hand.press("Recevoir le lien")
    hand.look("letter-sent")
    page.goto(link_in_the_letter(portal))
    hand.look("sign-up-end")
    hand.fill("Votre nom", NAME)
    hand.fill("Choisissez un mot de passe", PASSWORD)
    hand.press("Créer mon compte")
    page.wait_for_url("**/conditions")


def accept_the_terms(hand: Pointer) -> None:
    hand.look("terms")
    hand.press("Refuser")
    hand.page.wait_for_url("**/conditions/refus")
    hand.look("terms-refused")
    hand.page.goto("/consommation")
    assert hand.page.url.endswith("/conditions")
    hand.press("Accepter")
    hand.page.wait_for_url("**/accueil")
    assert words_of(hand) <= WORDS_MAX
    hand.look("account-new")


def declare(hand: Pointer, meter: SimulatedMeter) -> None:
    hand.page.goto("/consommation")
    hand.look("consumption-without-a-meter")
    hand.go("Accueil")
    hand.follow("Déclarer mon compteur")
    hand.look("meter")
    hand.fill("Numéro du compteur", meter.number[:9])
    hand.press("Déclarer ce compteur")
    hand.look("meter-refused")
    hand.fill("Numéro du compteur", f"{meter.number[:5]} {meter.number[5:]}")
    hand.fill("Jour de votre arrivée", (TODAY - timedelta(days=60)).isoformat())
    hand.press("Déclarer ce compteur")
    hand.page.wait_for_url("**/accord/index-quotidien*")


def answer(hand: Pointer) -> None:
    page = hand.page
    hand.look("question")
    assert page.get_by_role("checkbox").count() == 0
    boxes = [
        page.get_by_role("button", name=name).bounding_box() for name in ("Accepter", "Refuser")
    ]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert (boxes[0]["width"], boxes[0]["height"]) == (boxes[1]["width"], boxes[1]["height"])
    assert "Acceptez-vous que la Métropole reçoive d’Enedis" in page.inner_text("main")
    hand.press("Accepter")
    page.wait_for_url("**/accord/puissance-maximale*")
    hand.look("question-2")
    hand.press("Refuser")
    page.wait_for_url("**/accueil*")
    hand.look("account-waiting")
    hand.follow("Voir mes jours")
    hand.look("consumption-waiting")


def data_arrives(portal: Portal, meter: SimulatedMeter, first: date, last: date) -> None:
    missing = {last - timedelta(days=n) for n in (9, 10, 20)}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    came = [day for day in days if day not in missing]
    for path in write_nights(portal.place.home / f"in-{last}", [meter], came):
        take(portal.ledger, path)
    portal.ledger.shown.catch_up()


def look_at_consumption(hand: Pointer) -> None:
    page = hand.page
    hand.go("Accueil")
    assert "kWh" in page.inner_text("main")
    hand.look("account")
    hand.follow("Voir mes jours")
    hand.look("month")
    rows = page.get_by_role("row")
    assert rows.count() > 1
    before = page.locator("a[rel=prev]")
    hand.activate(before)
    hand.look("month-before")
    assert page.get_by_role("table").get_by_role("row").count() >= 28 // 2
    for name, least in (("Un an", 40), ("Semaine", 6), ("Mois", 2), ("Année", 1)):
        hand.activate(page.get_by_role("link", name=name, exact=True))
        hand.look(f"by-{name}".replace(" ", "-").lower())
        assert rows.count() > least
        assert page.locator(f'a[aria-current]:text-is("{name}")').count() == 1


def look_around(hand: Pointer) -> None:
    page = hand.page
    hand.go("Mes accords")
    hand.look("consents")
    hand.follow("Détails")
    hand.look("consent")
    assert "Ce qui vous a été montré" in page.inner_text("main")
    hand.go("Qui voit mes données")
    hand.look("recipients")
    assert re.search("(?i)la métropole", page.inner_text("main"))
    for name, address in (
        ("legal", "/mentions-legales"),
        ("accessibility", "/accessibilite"),
        ("privacy", "/donnees-personnelles"),
        ("not-found", "/nulle-part"),
    ):
        page.goto(address)
        hand.look(name)


def verify_the_receipt(hand: Pointer, portal: Portal, shots: Path) -> None:
    hand.page.goto("/recus")
    hand.look("receipts")
    download(hand, "Télécharger").save_as(shots / "recu.tlog-proof")
    download(hand, "clé publique du registre").save_as(shots / "log.vkey")
    said = portal.place.run("verify", shots / "recu.tlog-proof", "--key", shots / "log.vkey")
    assert said.code == 0, said.err
    assert said.out.startswith("VERIFIED offline")
    (shots / "recu.tlog-proof").unlink()


def take_the_data_away(hand: Pointer, shots: Path) -> None:
    hand.go("Mes données")
    hand.look("my-data")
    download(hand, "Tout, en fichier JSON").save_as(shots / "my-data.json")
    held = json.loads((shots / "my-data.json").read_text("utf-8"))
    assert held["account"]["name"] == NAME
    assert any(one.get("consumption") for one in held["consents"])
    (shots / "my-data.json").unlink()
    spelled = download(hand, "consommation en tableau CSV")
    typed = download(hand, "consommation en fichier Parquet")
    assert (spelled.suggested_filename, typed.suggested_filename) == (
        "my-consumption.csv",
        "my-consumption.parquet",
    )
    with Path(spelled.path()).open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    held = parquet.read_table(typed.path()).to_pylist()
    assert [row["energy_wh"] or None for row in rows] == [
        None if row["energy_wh"] is None else str(row["energy_wh"]) for row in held
    ]
    assert {str(row["first_day"]) for row in held} == {row["first_day"] for row in rows}
    assert len(rows) > 1
    readings = download(hand, "relevés en fichier Parquet")
    assert parquet.read_metadata(readings.path()).num_rows > 1


def withdraw_in_two_clicks(hand: Pointer) -> None:
    hand.go("Mes accords")
    hand.follow("Retirer")
    hand.look("withdrawal")
    hand.press("Retirer mon accord")
    hand.page.wait_for_url("**/accords?fait=retire")
    hand.look("withdrawn")
    assert "Retiré" in hand.page.inner_text("main")


def nothing_more_is_taken_in(hand: Pointer, portal: Portal, meter: SimulatedMeter) -> None:
    (path,) = write_nights(portal.place.home / "late", [meter], [TODAY - timedelta(days=2)])
    assert "accepted" not in take(portal.ledger, path).counts
    hand.go("Consommation")
    hand.look("consumption-withdrawn")
    assert "kWh" not in hand.page.inner_text("main")


def new_terms_close_every_page(hand: Pointer, portal: Portal) -> None:
    portal.publish(TextKind.TERMS_OF_USE, "3", "De nouvelles conditions.")
    for address in ("/accueil", "/accords", "/consommation", "/qui-voit-mes-donnees", "/recus"):
        hand.page.goto(address)
        assert hand.page.url.endswith("/conditions")
    hand.look("terms-again")
    hand.press("Accepter")
    hand.page.wait_for_url("**/accueil")


def ask_for_erasure(hand: Pointer) -> None:
    hand.go("Tout arrêter")
    hand.look("stop")
    hand.follow("Effacer mon compte")
    hand.look("erasure")
    hand.press("Demander l’effacement")
    hand.page.get_by_role("heading", name="est enregistrée").wait_for()
    hand.look("erasure-asked")
    hand.press("Reprendre ma demande")
    hand.page.get_by_text("Rien n’est effacé").wait_for()
    hand.look("erasure-taken-back")
    hand.follow("Effacer mon compte")
    hand.press("Demander l’effacement")
    hand.page.get_by_role("heading", name="est enregistrée").wait_for()
    hand.activate(hand.page.get_by_role("button", name="Se déconnecter"))
    hand.page.wait_for_url("**/")
    hand.page.goto("/accueil")
    assert hand.page.url.endswith("/connexion")
    hand.look("sign-in")
    hand.fill("Votre adresse e-mail", EMAIL)
    hand.fill("Votre mot de passe", "ce n’est pas celui-là")
    hand.press("Se connecter")
    hand.look("sign-in-refused")
    hand.fill("Votre mot de passe", PASSWORD)
    hand.press("Se connecter")
    hand.page.wait_for_url("**/accueil")


def words_of(hand: Pointer) -> int:
    return len(hand.page.inner_text("main").split())


def link_in_the_letter(portal: Portal) -> str:
    (letter,) = portal.ledger.settings.outbox.glob("*.eml")
    text = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default).get_content()
    (link,) = [word for word in text.split() if word.startswith("http")]
    return str(link)


def download(hand: Pointer, name: str) -> Download:
    with hand.page.expect_download() as found:
        hand.activate(hand.page.get_by_role("main").get_by_role("link", name=name).first)
    return found.value
