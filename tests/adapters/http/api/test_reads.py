"""What is read: tagged, page by page, gaps as gaps, and nothing of anybody else's."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from pyarrow import parquet

from application import offices, viewing
from domain.events.reading import MaximumPowerReceived
from domain.events.terms import TextKind
from metroledger.bootstrap import administrator
from proofs.receipt import verify_receipt
from proofs.signing import Verifier
from tests.adapters.http.api.conftest import FIRST_DAY, GAP, LAST_DAY

if TYPE_CHECKING:
    from tests.adapters.http.api.conftest import Powered, World

SPAN = {"from": FIRST_DAY.isoformat(), "to": LAST_DAY.isoformat()}
READS = (
    "session",
    "account",
    "meters",
    "meters/{meter}",
    "consents",
    "consents/{consent}",
    "consents/{consent}/wording",
    "consents/{consent}/consumption",
    "consents/{consent}/receipt",
    "receipts",
    "recipients",
    "export",
    "export?format=csv",
    "export?format=csv&of=readings",
    "export?format=parquet",
    "export?format=parquet&of=readings",
    "public/checkpoint",
    "public/key",
    "public/agreements",
    "public/texts",
    "public/texts/terms_of_use/1/fr",
    "openapi.json",
)


def consumption(world: World, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 (a query's values)
    answer = world.owner.get(f"consents/{world.owner.consent}/consumption", params=SPAN | asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("path", READS)
def test_what_somebody_has_is_not_sent_again(world: World, path: str) -> None:
    path = path.format(meter=world.owner.meter, consent=world.owner.consent)
    first = world.owner.get(path)
    assert first.status_code == 200, first.text
    tag = first.headers["ETag"]
    for named in (tag, f'"other", W/{tag}', "*"):
        again = world.owner.get(path, headers={"If-None-Match": named})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
    assert world.owner.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    private = not path.startswith(("public", "openapi"))
    assert (first.headers["Cache-Control"] == "no-store") == private


def powers(powered: Powered, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 (a query's values)
    answer = powered.person.get(f"consents/{powered.power}/maximum-power", params=SPAN | asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_each_day_has_its_highest_power_as_it_was_sent_and_a_gap_is_null(
    world: World, powered: Powered
) -> None:
    days = powers(powered)["days"]
    span = (LAST_DAY - FIRST_DAY).days + 1
    assert [one["day"] for one in days] == [
        (FIRST_DAY + timedelta(days=n)).isoformat() for n in range(span)
    ]
    missing = {one["day"] for one in days if one["power"] is None}
    assert missing == {day.isoformat() for day in GAP}
    assert all(one["unit"] is None for one in days if one["power"] is None)
    known = [one for one in days if one["power"] is not None]
    assert all(one["power"] > 0 and one["unit"] == "VA" for one in known)
    assert powered.person.home is not None
    holder = powered.person.home.account
    access = viewing.authorise(world.ledger.services, holder, UUID(powered.power))
    sent = {
        held.reading.day.isoformat(): held.reading.power
        for held in viewing.readings(world.ledger.services, access)
        if isinstance(held.reading, MaximumPowerReceived)
    }
    assert {one["day"]: one["power"] for one in known} == sent


def test_days_of_power_come_in_pages(powered: Powered) -> None:
    whole, found, cursor = powers(powered)["days"], [], dict[str, str]()
    while True:
        page = powers(powered, limit=20, **cursor)
        found += page["days"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == whole


def test_a_consent_to_something_else_has_no_maximum_power(world: World) -> None:
    answer = world.owner.get(f"consents/{world.owner.consent}/maximum-power")
    assert answer.status_code == 404


def test_every_day_is_in_one_piece_and_a_day_not_measured_is_a_gap_never_0(world: World) -> None:
    found = consumption(world)
    days: list[date] = []
    for piece in found["pieces"]:
        day, last = (date.fromisoformat(piece[name]) for name in ("first_day", "last_day"))
        while day <= last:
            days.append(day)
            day += timedelta(days=1)
    assert days == sorted(set(days))
    assert set(days) >= {FIRST_DAY + timedelta(days=n) for n in range(len(days))}
    gaps = [piece for piece in found["pieces"] if piece["energy_wh"] is None]
    assert gaps
    together = [one for one in found["pieces"] if one["first_day"] != one["last_day"]]
    assert len(together) == 2, "the nights that were not delivered are between two indexes"
    assert all(piece["energy_wh"] != 0 for piece in found["pieces"])
    assert len(GAP) == 3


def test_page_by_page_it_is_the_whole_list(world: World) -> None:
    whole = consumption(world)["pieces"]
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = consumption(world, limit=7, **cursor)
        assert 0 < len(page["pieces"]) <= 7
        found += page["pieces"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == whole


def test_a_cursor_is_a_place_in_ones_own_list(world: World) -> None:
    of_other = consumption(world, limit=1)["next"]
    for cursor in (of_other, "QUJD", "A"):
        answer = world.other.get("meters", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_months_are_the_sums_of_whole_pieces_and_say_what_they_lack(world: World) -> None:
    months = consumption(world, grain="month")["pieces"]
    days = consumption(world)["pieces"]
    assert [one["first_day"] for one in months] == ["2026-09-20", "2026-10-01", "2026-11-01"]
    for month in months:
        inside = [
            day["energy_wh"]
            for day in days
            if month["first_day"] <= day["first_day"] and day["last_day"] <= month["last_day"]
        ]
        assert month["energy_wh"] == sum(energy for energy in inside if energy is not None)
        told = ("measured_days", "missing_days", "held_days", "shared_days")
        first, last = (date.fromisoformat(month[name]) for name in ("first_day", "last_day"))
        assert sum(month[name] for name in told) == (last - first).days + 1
    assert len(consumption(world, grain="year")["pieces"]) == 1
    assert len(consumption(world, grain="week")["pieces"]) == 9


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from": "2026-11-10", "to": "2026-11-09"}, "to"),
        ({"from": "2000-01-01", "to": "2026-11-09"}, "from"),
        ({"from": "1899-12-31"}, "from"),
        ({"to": "2200-01-01"}, "to"),
        ({"from": "20261101"}, "from"),
        ({"from": "1793577600"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"grain": "hour"}, "grain"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1e3"}, "limit"),
    ],
)
def test_a_question_that_is_none_is_refused_by_its_field(
    world: World, asked: dict[str, str], field: str
) -> None:
    answer = world.owner.get(f"consents/{world.owner.consent}/consumption", params=asked)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert not any(value in answer.text for value in asked.values() if len(value) > 4)


def test_without_a_question_it_is_the_month_that_ends_yesterday(world: World) -> None:
    found = world.owner.get(f"consents/{world.owner.consent}/consumption").json()
    first, last = (date.fromisoformat(found[name]) for name in ("first_day", "last_day"))
    assert (last - first).days == 30
    assert last < world.ledger.clock().date() + timedelta(days=1)


def test_nothing_is_there_for_whoever_does_not_own_it(world: World) -> None:
    absent = [world.owner.get(f"consents/{uuid4()}{part}") for part in ("", "/consumption")]
    for part in ("", "/wording", "/consumption", "/receipt"):
        answer = world.other.get(f"consents/{world.owner.consent}{part}")
        assert (answer.status_code, answer.json()) == (404, absent[0].json())
    assert world.other.get(f"meters/{world.owner.meter}").status_code == 404
    assert {one.status_code for one in absent} == {404}


def test_who_sees_my_data_is_told_with_what_came_last(world: World) -> None:
    (one,) = world.owner.get("recipients").json()["recipients"]
    assert (one["recipient"], one["category"], one["status"]) == (
        "metropole",
        "daily_index",
        "granted",
    )
    assert one["received_last"] is not None
    (former,) = world.withdrawn.get("recipients").json()["recipients"]
    assert former["status"] == "withdrawn"


def test_a_receipt_verifies_with_the_public_key_and_nothing_else_of_ours(world: World) -> None:
    (one,) = world.owner.get("receipts").json()["receipts"]
    verifier = Verifier.decode(world.nobody.get("public/key").text.strip())
    receipt = world.owner.client.get(one["receipt"])
    proven = verify_receipt(receipt.content, [verifier])
    assert proven.content.entry["consent"] == world.owner.consent
    assert receipt.headers["Content-Disposition"].endswith('"consent.tlog-proof"')


def test_what_was_shown_is_shown_again_letter_by_letter(world: World) -> None:
    shown = world.owner.get(f"consents/{world.owner.consent}/wording").json()
    public = world.nobody.get("public/texts/consent_wording/1/fr").json()
    assert shown == public
    assert shown["text"] == "Le texte de consent_wording."
    listed = world.nobody.get("public/texts").json()["texts"]
    assert public in [world.nobody.client.get(one["location"]).json() for one in listed]


def test_an_export_holds_every_reading_and_outlives_the_withdrawal(world: World) -> None:
    for person in (world.owner, world.withdrawn):
        assert person.home is not None
        held = json.loads(person.get("export").content)
        (given,) = [one for one in held["consents"] if one["id"] == person.consent]
        access = viewing.authorise(
            world.ledger.services, person.home.account, UUID(person.consent), viewing.Use.ACCESS
        )
        assert len(given["readings"]) == len(list(viewing.readings(world.ledger.services, access)))
        assert held["meters"][0]["number"] == person.home.number
        text = person.get("export", params={"format": "csv"}).text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == len(given["consumption"]) > 40
        energies = [one["energy_wh"] for one in given["consumption"]]
        assert [int(row["energy_wh"]) if row["energy_wh"] else None for row in rows] == energies
        assert {row["meter_number"] for row in rows} == {person.home.number}


@pytest.mark.parametrize("of", ["consumption", "readings"])
def test_an_export_as_parquet_says_row_by_row_what_the_csv_does(world: World, of: str) -> None:
    for person in (world.owner, world.withdrawn, world.other):
        answers = [
            person.get("export", params={"format": kind, "of": of}) for kind in ("csv", "parquet")
        ]
        spelled, typed = answers
        assert typed.headers["Content-Type"] == "application/vnd.apache.parquet"
        assert typed.headers["Content-Disposition"].endswith(f'"my-{of}.parquet"')
        rows = list(csv.DictReader(io.StringIO(spelled.text)))
        held = parquet.read_table(io.BytesIO(typed.content)).to_pylist()
        assert [as_spelled(row) for row in held] == rows
        assert len(rows) > 40


def test_an_export_as_parquet_is_typed_and_what_was_not_said_is_null(world: World) -> None:
    def asked(of: str) -> pa.Table:
        content = world.owner.get("export", params={"format": "parquet", "of": of}).content
        return parquet.read_table(io.BytesIO(content))

    consumption, readings = asked("consumption"), asked("readings")
    (given,) = json.loads(world.owner.get("export").content)["consents"]
    energies = [one["energy_wh"] for one in given["consumption"]]
    assert consumption["energy_wh"].to_pylist() == energies
    assert consumption.schema.field("first_day").type == pa.date32()
    assert consumption.schema.field("energy_wh").type == pa.int64()
    assert readings.schema.field("at").type == pa.timestamp("us", tz="UTC")
    for name in ("power_w", "day", "volume_dm3"):
        assert readings[name].null_count == readings.num_rows > 0
    assert readings["value_wh"].null_count < readings.num_rows


def test_an_export_of_readings_has_each_register_that_the_document_has(world: World) -> None:
    (given,) = json.loads(world.owner.get("export").content)["consents"]
    registers = [
        (one["kind"], one["reading"]["at"], part["slot"], part["value_wh"])
        for one in given["readings"]
        for part in one["reading"]["registers"]
    ]
    content = world.owner.get("export", params={"format": "parquet", "of": "readings"}).content
    held = parquet.read_table(io.BytesIO(content)).to_pylist()
    told = [
        (row["kind"], row["at"].isoformat().replace("+00:00", "Z"), row["slot"], row["value_wh"])
        for row in held
    ]
    assert told == registers


def as_spelled(row: dict[str, Any]) -> dict[str, str]:
    """A row's cells as CSV spells them."""
    return {name: _spelled(cell) for name, cell in row.items()}


def _spelled(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case _:
            return str(cell)


def test_while_new_terms_wait_no_data_is_shown_and_leaving_stays_possible(world: World) -> None:
    """Last of this module: it publishes new terms for everybody."""
    text = offices.Text(version="2", language="fr", text="Autre chose.")
    offices.publish_text(
        world.ledger.services, administrator(world.ledger), TextKind.TERMS_OF_USE, text
    )
    consent = world.owner.consent
    for path in ("meters", "recipients", "receipts", f"consents/{consent}/consumption"):
        answer = world.owner.get(path)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/terms-to-accept")
    for path in ("account", "consents", "export", f"consents/{consent}/wording"):
        assert world.owner.get(path).status_code == 200
    assert world.owner.get("account").json()["must_accept"]
    world.owner.post("account/terms-acceptance", json={"version": "2"}).raise_for_status()
    assert world.owner.get("meters").status_code == 200
    assert world.other.post(f"consents/{world.other.consent}/withdrawal").status_code == 200
