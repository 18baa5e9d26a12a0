"""A real Kafka is stopped under a portal in use, and started again."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from adapters.dropbox.watch import INCOMING, Box
from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, sent
from adapters.http.app import create_app, guarded
from adapters.http.serving import served
from adapters.http.visitors import HEADER
from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.place import ALONE, KafkaUnavailable
from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.topic import create_topic
from application import past
from application.access import sessions
from application.collection_run import Collection, collect_once
from application.doctor.finding import State
from application.inbox import drain
from application.upkeep import look_after
from domain.aggregates import consent
from domain.aggregates.consent import ConsentStatus
from domain.errors import Unavailable
from metroledger.bootstrap import open_ledger
from metroledger.kept import Topic
from metroledger.operations import readiness
from metroledger.operators import enedis_intake
from metroledger.portal import site_of
from tests.application.test_door import letters
from tests.application.world import (
    SEED,
    Household,
    Place,
    closed,
    found,
    settle,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Site

*METERS, ASKED_BEFORE = town(SEED, 4)
API = "/api/v1"
READINGS = 9
"""Two of each meter, and the last of who goes on."""
ENDS_WITHIN_S = 10.0
BACK_S = 20.0


@pytest.fixture
def kafka(kafka_place: Path, tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker of this test's own: it is stopped."""
    assert kafka_place.is_dir()
    with EmbeddedKafka(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def on_kafka(site: Site, kafka: EmbeddedKafka, topic: str) -> Iterator[Place]:
    servers = (kafka.bootstrap,)
    create_topic(TopicPlace(servers=servers, topic=topic), ALONE)
    place = replace(site.new(), topic=Topic(servers=servers, name=topic, replicas=1))
    found(place)
    yield place
    site.drop(place)


class Door:
    """A portal's API as one household's browser reaches it; every answer comes in time."""

    def __init__(self, ledger: Installation, home: Household, port: int) -> None:
        token = sessions.begin(ledger.services, ledger.access, account=home.account)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            cookies={site_of(ledger).session_cookie: token},
            headers={HEADER: sessions.form_token(token)},
            timeout=30,
        )

    def ask(self, method: str, path: str, key: str = "", json: object = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        began = time.monotonic()
        answer = self._client.request(method, path, headers=headers, json=json)
        assert time.monotonic() - began < ENDS_WITHIN_S
        return answer

    def close(self) -> None:
        self._client.close()


def test_kafka_is_away_and_comes_back(
    on_kafka: Place, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    with on_kafka.open() as ledger:
        homes = [settle(ledger, meter.number) for meter in METERS]
        before = settle(ledger, ASKED_BEFORE.number)
        days = [date(2026, 3, 1), date(2026, 3, 2)]
        for path in write_nights(tmp_path / "in", [*METERS, ASKED_BEFORE], days):
            take(ledger, path)
        asked = past.request(ledger.services, before.account, before.meter)
        ledger.shown.catch_up()
        portal = site_of(ledger)
        with served(guarded(portal, create_app(portal)), ("127.0.0.1", 0)) as port:
            withdrawing, leaving, forgetting = (Door(ledger, home, port) for home in homes)
            shown = f"{API}/consents/{homes[0].consents[0]}"
            assert withdrawing.ask("GET", shown).json()["status"] == "granted"
            end = ledger.log.end()
            kafka.stop(1)

            _nothing_else_is_done(on_kafka, withdrawing, homes[0])
            status = _what_ends_ends_at_once(withdrawing, leaving, homes)
            past_status = _a_past_is_gone_at_once(forgetting, homes[2])
            _the_queue_of_pasts_says_what_is_known(on_kafka, homes[2], asked)
            asking = Door(ledger, before, port)
            same = _a_past_is_asked_for_again(asking, before)
            collection = _files_stay(ledger, tmp_path)

            kafka.restart()
            assert _end_once_it_answers(ledger) == end
            _a_new_consent_waits_for_the_withdrawal(withdrawing, homes[0])
            came = [one.outcome for one in collect_once(collection)]
            assert [one.counts.get("accepted") for one in came if one] == [1]
            look_after(ledger.services, ledger.cursors)
            for address in status:
                told = (
                    withdrawing.ask("GET", address).json()
                    if address == status[0]
                    else (leaving.ask("GET", address).json())
                )
                assert (told["state"], told["status"]) == ("done", 200)
            state = ledger.ledger.load(consent, homes[0].consents[0]).state
            assert state.status is ConsentStatus.WITHDRAWN
            assert drain(ledger.services) == 0
            _the_past_was_erased_once(ledger, forgetting, homes[2], past_status)
            assert asking.ask("GET", same).json()["answer"]["id"] == str(asked)
            anew = _anew(homes[0])
            again = withdrawing.ask("POST", f"{API}/consents", "consent-again-1", json=anew)
            assert again.status_code == 201
            report = closed(ledger)
            assert report.readings == report.covered == READINGS
            for door in (withdrawing, leaving, forgetting, asking):
                door.close()


def test_a_portal_that_starts_while_kafka_is_away_shows_what_was_folded_and_takes_withdrawals(
    on_kafka: Place, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    with on_kafka.open() as ledger:
        homes = [settle(ledger, meter.number) for meter in METERS]
        for path in write_nights(tmp_path / "in", METERS, [date(2026, 3, 1), date(2026, 3, 2)]):
            take(ledger, path)
        ledger.shown.catch_up()
        end = ledger.log.end()
    kafka.stop(1)
    with pytest.raises(KafkaUnavailable), on_kafka.open():
        pass
    with open_ledger(on_kafka.settings, may_wait=True) as ledger:
        portal = site_of(ledger)
        with served(guarded(portal, create_app(portal)), ("127.0.0.1", 0)) as port:
            withdrawing, leaving = (Door(ledger, home, port) for home in homes[:2])
            missing = {one.check for one in readiness(ledger) if one.state is not State.OK}
            assert missing == {"log"}
            assert withdrawing.ask("GET", f"{API}/account").json()["terms_current"] == "1"
            _nothing_else_is_done(on_kafka, withdrawing, homes[0])
            address, _ = _what_ends_ends_at_once(withdrawing, leaving, homes)

            kafka.restart()
            until = time.monotonic() + BACK_S
            while withdrawing.ask("GET", address).json()["state"] != "done":
                assert time.monotonic() < until
                with contextlib.suppress(Unavailable):
                    look_after(ledger.services, ledger.cursors)
            assert ledger.log.end() > end
            assert {one.state for one in readiness(ledger)} == {State.OK}
            state = ledger.ledger.load(consent, homes[0].consents[0]).state
            assert state.status is ConsentStatus.WITHDRAWN
            withdrawing.close()
            leaving.close()
        report = closed(ledger)
        assert report.passed


def _end_once_it_answers(ledger: Installation) -> int:
    """Return where the log ends; another thread may have begun to connect in vain just before."""
    until = time.monotonic() + BACK_S
    while True:
        try:
            return ledger.log.end()
        except KafkaUnavailable:
            assert time.monotonic() < until


def _nothing_else_is_done(place: Place, door: Door, home: Household) -> None:
    """An act that must be arbitrated is refused for now, and nothing of it is stored."""
    refusal = {"meter": str(home.meter), "category": "maximum_power", "wording_version": "1"}
    answer = door.ask("POST", f"{API}/refusals", "refusal-1", json=refusal)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    with psycopg.connect(place.database or "") as connection:
        for table in ("asked", "inbox"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,)  # noqa: S608 - two names of ours


def _what_ends_ends_at_once(
    withdrawing: Door, leaving: Door, homes: list[Household]
) -> tuple[str, str]:
    """Return where the two are told what became of it."""
    first, second = (f"{API}/consents/{home.consents[0]}" for home in homes[:2])
    path = f"{first}/withdrawal"
    answer = withdrawing.ask("POST", path, "withdrawal-1")
    assert (answer.status_code, answer.json()["state"]) == (202, "kept")
    again = withdrawing.ask("POST", path, "withdrawal-1")
    assert (again.status_code, again.json()) == (202, answer.json())
    assert withdrawing.ask("GET", answer.headers["Location"]).json()["state"] == "kept"
    assert withdrawing.ask("GET", first).json()["status"] == "withdrawn"
    assert withdrawing.ask("GET", f"{first}/consumption").status_code == 403

    assert leaving.ask("GET", f"{second}/consumption").status_code == 200
    asked = leaving.ask("POST", f"{API}/account/erasure-request", "erasure-1")
    assert (asked.status_code, asked.json()["state"]) == (202, "kept")
    assert leaving.ask("GET", f"{second}/consumption").status_code == 403
    return answer.headers["Location"], asked.headers["Location"]


def _a_past_is_gone_at_once(door: Door, home: Household) -> str:
    """Return where its holder is told what became of it."""
    shown = f"{API}/consents/{home.consents[0]}"
    path = f"{API}/meters/{home.meter}/past-erasures"
    assert door.ask("GET", f"{shown}/consumption").status_code == 200
    answer = door.ask("POST", path, "past-erasure-1")
    assert (answer.status_code, answer.json()["state"]) == (202, "kept")
    again = door.ask("POST", path, "past-erasure-1")
    assert (again.status_code, again.json()) == (202, answer.json())
    assert door.ask("GET", answer.headers["Location"]).json()["state"] == "kept"
    assert door.ask("GET", f"{shown}/consumption").status_code == 403
    assert door.ask("GET", shown).json()["status"] == "withdrawn"
    return answer.headers["Location"]


def _a_past_is_asked_for_again(door: Door, home: Household) -> str:
    """What was asked for before is under way; asked again it is kept, and becomes that one."""
    answer = door.ask("POST", f"{API}/meters/{home.meter}/past-erasures", "past-erasure-2")
    assert (answer.status_code, answer.json()["state"]) == (202, "kept")
    return answer.headers["Location"]


def _the_queue_of_pasts_says_what_is_known(place: Place, kept: Household, asked: UUID) -> None:
    """What waits for the log, what was asked for before; and that more is not known now."""
    told = place.run("erase", "status").out.splitlines()
    pasts = [line for line in told if "past of a meter" in line]
    assert [line.split()[0] for line in pasts if "waits" in line] == [str(kept.account)]
    assert [line.split()[-1] for line in pasts if "being erased" in line] == [str(asked)]
    assert told[-1] == "the log does not answer: which pasts of meters are erased is not known now"


def _the_past_was_erased_once(
    ledger: Installation, door: Door, home: Household, address: str
) -> None:
    told = door.ask("GET", address).json()
    assert (told["state"], told["status"]) == ("done", 201)
    (one,) = door.ask("GET", told["answer"]["location"]).json()["requests"]
    assert one["id"] == told["answer"]["id"]
    assert one["requested_at"] < one["ordered_at"] < one["done_at"]
    assert not ledger.services.shown.latest(home.consents[0])
    again = door.ask("POST", f"{API}/meters/{home.meter}/past-erasures", "past-erasure-1")
    assert (again.status_code, again.json()) == (201, told["answer"])
    told_of = [one for one in letters(ledger) if "/effacement/passe/suivi/" in one]
    assert len(told_of) == 2
    assert all("changez votre mot de passe" in letter for letter in told_of)


def _anew(home: Household) -> dict[str, object]:
    """Ask for the same thing that was withdrawn."""
    told = {"meter": str(home.meter), "category": "daily_index", "wording_version": "1"}
    return {**told, "holder": "BOUVIER", "years": 1}


def _a_new_consent_waits_for_the_withdrawal(door: Door, home: Household) -> None:
    """It is not told that a consent lives: the person was told that theirs is withdrawn."""
    answer = door.ask("POST", f"{API}/consents", "consent-again-1", json=_anew(home))
    assert answer.status_code == 503, answer.text
    assert "what you ended holds" in answer.text
    assert int(answer.headers["Retry-After"]) > 0


def _files_stay(ledger: Installation, tmp_path: Path) -> Collection:
    incoming = tmp_path / INCOMING / "enedis"
    incoming.mkdir(parents=True)
    name, content = sent(Night(seed=SEED, day=date(2026, 3, 3), meters=METERS))
    (incoming / name).write_bytes(content)
    collection = Collection(
        services=ledger.services,
        arrivals=ledger.arrivals,
        box=Box(tmp_path, quiet_s=0, largest_bytes=1 << 20),
        intakes={"enedis": enedis_intake(Keyring(keys=()))},
    )
    collection.box.look()
    with pytest.raises(Unavailable):
        list(collect_once(collection))
    assert (incoming / name).exists()
    return collection
