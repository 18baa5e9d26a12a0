"""A write happens once under its key, is answered alike each time, and never lies in doubt."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from application import driving
from application.services import collection_id
from domain.aggregates import account, collection, consent
from domain.aggregates.consent import ConsentStatus
from domain.errors import Unavailable
from domain.values import Channel

if TYPE_CHECKING:
    import httpx

    from tests.adapters.http.api.conftest import World

_numbers = itertools.count(10_000_000_000_000)


def declaration(**more: object) -> dict[str, object]:
    """A meter that nobody declared before."""
    number = str(next(_numbers))
    return {"operator": "enedis", "number": number, "entry_day": "2024-03-01", **more}


def question(meter_id: str, **more: object) -> dict[str, object]:
    return {"meter": meter_id, "category": "maximum_power", "wording_version": "1", **more}


def answer_of(response: httpx.Response) -> tuple[int, bytes, str | None, str]:
    told = response.headers
    return response.status_code, response.content, told.get("Location"), told["Content-Type"]


def became(world: World, doubt: httpx.Response) -> dict[str, Any]:
    """What a write in doubt became, as soon as its status address knows."""
    deadline = time.monotonic() + 20
    while True:
        told: dict[str, Any] = world.owner.client.get(doubt.headers["Location"]).json()
        if told["state"] != "open" or time.monotonic() > deadline:
            return told
        time.sleep(0.02)


def test_the_same_key_again_gives_the_same_answer_and_happens_once(world: World) -> None:
    told = declaration()
    first = world.owner.post("meters", "one-meter", json=told)
    assert first.status_code == 201
    end = world.ledger.log.end()
    spelled_otherwise = {"power_kva": None, **dict(reversed(told.items())), "fluid": "electricity"}
    for body in (told, spelled_otherwise):
        assert answer_of(world.owner.post("meters", "one-meter", json=body)) == answer_of(first)
    assert world.ledger.log.end() == end
    assert world.owner.client.get(first.headers["Location"]).json()["number"] == told["number"]


def test_a_refusal_is_answered_again_as_it_was(world: World) -> None:
    told = question(world.owner.meter, wording_version="7", holder="B", years=1)
    first = world.owner.post("consents", "refused-once", json=told)
    assert (first.status_code, first.json()["type"]) == (409, "/problems/wording-not-published")
    assert answer_of(world.owner.post("consents", "refused-once", json=told)) == answer_of(first)


def test_the_same_key_for_another_request_is_refused(world: World) -> None:
    world.owner.post("meters", "used-key", json=declaration())
    for path, body in (
        ("meters", declaration()),
        ("refusals", question(world.owner.meter)),
        ("account/erasure-request", None),
    ):
        again = world.owner.post(path, "used-key", json=body)
        assert (again.status_code, again.json()["type"]) == (422, "/problems/key-reused")


def test_two_people_may_use_one_key(world: World) -> None:
    made = [
        person.post("meters", "a-common-key", json=declaration()).json()["id"]
        for person in (world.owner, world.other)
    ]
    assert len(set(made)) == 2


def test_sent_many_times_at_once_it_happens_once(world: World) -> None:
    told = declaration()

    def send(_: int) -> tuple[int, bytes, str | None, str]:
        return answer_of(world.owner.post("meters", "all-at-once", json=told))

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(send, range(24)))
    assert len(answers) == 1
    (answer,) = answers
    assert answer[0] == 201
    numbers = [one["number"] for one in world.owner.get("meters").json()["meters"]]
    assert numbers.count(told["number"]) == 1


def test_a_consent_is_granted_with_its_evidence_and_collected_until_it_is_withdrawn(
    world: World,
) -> None:
    on = world.owner.post("meters", json=declaration()).json()["id"]
    given = world.owner.post("consents", json=question(on, holder="Bouvier", years=2))
    assert given.status_code == 201
    made = UUID(given.json()["id"])
    load = world.ledger.ledger.load
    granted = load(consent, made).state.granted
    assert granted is not None
    assert granted.evidence.channel == "api"
    running = collection_id(made, Channel.SGE)
    assert load(collection, running).state.started_at is not None
    shown = world.owner.get(f"consents/{made}")
    assert shown.json()["status"] == "granted"
    tag = shown.headers["ETag"]
    world.owner.post(f"consents/{made}/withdrawal", headers={"If-Match": tag}).raise_for_status()
    assert load(consent, made).state.status is ConsentStatus.WITHDRAWN
    assert load(collection, running).ended
    late = world.owner.post(f"consents/{made}/withdrawal", headers={"If-Match": tag})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed")
    assert world.owner.get(f"consents/{made}/consumption").status_code == 403


def test_a_refusal_of_a_person_is_kept_and_shown(world: World) -> None:
    kept = world.owner.post("refusals", json=question(world.owner.meter))
    assert kept.status_code == 201
    shown = world.owner.client.get(kept.headers["Location"]).json()
    assert (shown["status"], shown["last_day"]) == ("refused", None)


def test_nobody_acts_on_what_is_another_persons(world: World) -> None:
    told = question(world.owner.meter, holder="B", years=1)
    assert world.other.post("consents", json=told).status_code == 404
    assert world.other.post("refusals", json=question(world.owner.meter)).status_code == 404
    ended = world.other.post(f"consents/{world.owner.consent}/withdrawal")
    assert ended.status_code == 404
    state = world.ledger.ledger.load(consent, UUID(world.owner.consent)).state
    assert state.status is ConsentStatus.GRANTED


def test_in_doubt_it_is_told_where_the_true_answer_will_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can publish for a while: the record is on the log, and nothing may be answered."""
    told = declaration()
    with monkeypatch.context() as short, world.ledger.ledger.committer._publishing:
        short.setattr(driving, "PATIENCE_S", 0.3)
        doubt = world.owner.post("meters", "in-doubt", json=told)
    assert (doubt.status_code, doubt.json()["state"]) == (202, "open")
    assert doubt.headers["Retry-After"]
    status = became(world, doubt)
    assert (status["state"], status["status"]) == ("done", 201)
    again = world.owner.post("meters", "in-doubt", json=told)
    assert (again.status_code, again.json()) == (201, status["answer"])
    assert world.other.client.get(doubt.headers["Location"]).status_code == 404


def test_what_never_reached_the_log_stays_open_until_it_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = declaration()

    def away(_log: object, _records: object) -> None:
        raise Unavailable("the log is away")

    with monkeypatch.context() as outage:
        outage.setattr(type(world.ledger.log), "append", away)
        outage.setattr(driving, "PATIENCE_S", 0.5)
        doubt = world.owner.post("meters", "never-sent", json=told)
    assert doubt.status_code == 202
    status = doubt.headers["Location"]
    assert world.owner.client.get(status).json()["state"] == "open"
    done = world.owner.post("meters", "never-sent", json=told)
    assert done.status_code == 201
    assert world.owner.client.get(status).json()["answer"] == done.json()


def test_a_refusal_in_doubt_is_told_as_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The barrier was appended and its answer was not waited for."""
    told = declaration(number="123")
    with monkeypatch.context() as short, world.ledger.ledger.committer._publishing:
        short.setattr(driving, "PATIENCE_S", 0.3)
        doubt = world.owner.post("meters", "barred-in-doubt", json=told)
    assert doubt.status_code == 202
    status = became(world, doubt)
    assert (status["state"], status["answer"]["type"]) == ("refused", "/problems/refused-before")
    again = world.owner.post("meters", "barred-in-doubt", json=told)
    assert (again.status_code, again.json()) == (409, status["answer"])


def test_a_consent_whose_answer_was_in_doubt_is_collected_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = world.owner.post("meters", json=declaration()).json()["id"]
    with monkeypatch.context() as short, world.ledger.ledger.committer._publishing:
        short.setattr(driving, "PATIENCE_S", 0.3)
        doubt = world.owner.post("consents", json=question(on, holder="B", years=1))
    status = became(world, doubt)
    running = collection_id(UUID(status["answer"]["id"]), Channel.SGE)
    assert world.ledger.ledger.load(collection, running).state.started_at is not None


def test_an_erasure_is_asked_for_once_and_terms_are_accepted(world: World) -> None:
    person = world.withdrawn
    assert person.home is not None
    for _ in range(2):
        person.post("account/erasure-request").raise_for_status()
    asked = world.ledger.ledger.load(account, person.home.account)
    assert asked.version == 3
    assert person.get("account").json()["status"] == "active, erasure requested"
    person.post("account/terms-acceptance", json={"version": "1"}).raise_for_status()
    assert person.post("account/terms-acceptance", json={"version": "2"}).status_code == 409


def test_a_write_without_its_key_or_its_form_token_is_refused(world: World) -> None:
    told = declaration()
    client = world.owner.client
    assert client.post("/api/v1/meters", json=told).status_code == 422
    for forged in (
        {"X-Form-Token": "0" * 32},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = world.owner.post("meters", json=told, headers=forged)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forged")
    text = world.owner.post("meters", content=b"{}", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415
    numbers = [one["number"] for one in world.owner.get("meters").json()["meters"]]
    assert told["number"] not in numbers


def test_at_rest_a_request_is_a_digest(world: World) -> None:
    told = declaration()
    world.owner.post("meters", "a-very-telling-key", json=told).raise_for_status()
    with world.ledger.askings._connections.use() as connection:  # type: ignore[attr-defined] # the adapter's
        rows = connection.execute("select a::text from asked a").fetchall()
    at_rest = "".join(row[0] for row in rows)
    assert "asked" not in at_rest
    for said in (str(told["number"]), "a-very-telling-key", "enedis"):
        assert said not in at_rest
        assert said.encode().hex() not in at_rest


def test_meters_are_of_operators_that_the_metropolis_has_an_agreement_with(world: World) -> None:
    answer = world.owner.post("meters", json=declaration(operator="nobody"))
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == ["operator"]


def test_a_past_asked_for_again_under_another_key_is_the_request_there_is(world: World) -> None:
    first, second = (
        world.other.post(f"meters/{world.other.meter}/past-erasures") for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    listed = world.other.get(f"meters/{world.other.meter}/past-erasures").json()["requests"]
    assert [one["id"] for one in listed] == [first.json()["id"]]
