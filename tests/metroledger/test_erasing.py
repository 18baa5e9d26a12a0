"""Where each erasure stands, from the command line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import erasure, past
from application.inbox import drain
from application.services import made_by
from application.upkeep import look_after
from domain.values import month_after
from metroledger.bootstrap import administrator
from metroledger.cli import run_command
from metroledger.portal import site_of
from metroledger.settings import NoYesOrNo, read_settings
from tests.application.conftest import founded, place, site
from tests.application.test_answering import member
from tests.application.test_past import two_meters
from tests.application.test_past_kept import kept
from tests.application.world import SEED, Place, Said, settle, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made


def test_status_says_where_each_request_stands(place: Place) -> None:
    assert place.run("erase", "status").out == "no erasure is under way, and none was closed\n"
    with place.open() as ledger:
        waiting, leaving = (settle(ledger, number).account for number in ("1" * 14, "2" * 14))
        for account in (waiting, leaving):
            site_of(ledger).desk.request(account)
        due = month_after(ledger.clock())
        erasure.check_identity(ledger.services, waiting, administrator(ledger), means="in person")
    assert place.run("erase", str(leaving)).code == 0
    first, second, told = place.run("erase", "status").out.splitlines()
    assert first.startswith(f"{waiting}  identity checked")
    assert first.endswith(f"answer due {due}")
    assert second.startswith(f"{leaving}  erased")
    assert re.fullmatch(r"notice [0-9a-f-]{36}  to enedis  letters sent: 0", told)
    assert place.run("erase", "nobody").code == 2


def test_status_names_what_waits_for_the_log_and_the_past_that_is_being_erased(
    place: Place, tmp_path: Path
) -> None:
    with place.open() as ledger:
        home, *_ = two_meters(ledger, tmp_path)
        act = kept(ledger.services, home)
    (waits,) = place.run("erase", "status").out.splitlines()
    assert waits.startswith(f"{home.account}  waits for the log")
    assert waits.endswith("past of a meter, kept until the log answers")
    with place.open() as ledger:
        assert drain(ledger.services) == 1
    (going,) = place.run("erase", "status").out.splitlines()
    assert going.startswith(f"{home.account}  past of a meter")
    assert going.endswith(str(made_by(act.command)))
    with place.open() as ledger:
        look_after(ledger.services, ledger.cursors)
    assert "  erased 20" in place.run("erase", "status").out


def test_a_notice_is_told_to_a_person_and_acknowledged_by_its_reference(place: Place) -> None:
    with place.open() as ledger:
        account = settle(ledger, "1" * 14).account
    assert place.run("erase", account).code == 0
    assert place.run("upkeep", "--once").code == 0
    told = place.run("erase", "status").out.splitlines()[-1]
    assert told.endswith("needs a person: no_address")
    reference = told.split()[1]
    assert "11111111111111" in place.run("erasure", "notice", reference).out
    said = place.run("doctor").out
    assert re.search(r"notices\s.*1 no_address", said), said
    assert place.run("erasure", "acknowledge", reference).code == 0
    assert "notice" not in place.run("erase", "status").out
    for gone in (
        place.run("erasure", "notice", reference),
        place.run("erasure", "notice", account),
    ):
        assert (gone.code, gone.out) == (1, "")
    assert place.run("erasure", "acknowledge", account).code == 1
    assert "11111111111111" not in told + said


def test_a_finished_erasure_has_a_certificate_that_verifies_elsewhere_and_only_unaltered(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(there: Place, *arguments: object) -> Said:
        code = run_command([str(one) for one in arguments], there.told)
        return Said(code, *capsys.readouterr())

    with place.open() as ledger:
        account = settle(ledger, "1" * 14, name="Selma LEAVER", email="selma@example.org").account
    refused = run(place, "erasure", "certificate", account)
    assert (refused.code, refused.out) == (1, "")
    assert "there is no certificate of this" in refused.err
    assert "'metroledger retention show'" in refused.err
    assert run(place, "erase", account).code == 0
    file, page, key = tmp_path / "c.json", tmp_path / "c.html", tmp_path / "log.vkey"
    made = run(place, "erasure", "certificate", account, "--output", file, "--page", page)
    assert made.code == 0, made
    key.write_bytes(place.settings.verifying_key.read_bytes())
    elsewhere = Place(tmp_path / "no ledger", None)
    for one in (file, page):
        said = run(elsewhere, "verify", one, "--key", key)
        assert (said.code, said.err) == (0, "")
        asked = ("roles.asked: administrator", "roles.validated: administrator")
        for proven in ("keys_destroyed: ", *asked, "not proven:"):
            assert proven in said.out
        for personal in ("Selma", "LEAVER", "selma@", "1" * 14, str(account), account.hex):
            assert personal not in one.read_text("utf-8")
    altered = file.read_text("utf-8").replace('"keys_destroyed": ', '"keys_destroyed": 1')
    file.write_text(altered, "utf-8")
    page.write_text(page.read_text("utf-8").replace("Toutes les clés", "Presque toutes les clés"))
    for one in (file, page):
        said = run(elsewhere, "verify", one, "--key", key)
        assert (said.code, said.out) == (1, "")
        assert "REFUTED" in said.err


def test_a_meters_past_and_a_retention_run_have_certificates_too(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(there: Place, *arguments: object) -> Said:
        code = run_command([str(one) for one in arguments], there.told)
        return Said(code, *capsys.readouterr())

    long = replace(place, also={"METROLEDGER_RETENTION": "daily_index=20"})
    meters = town(SEED, 2)
    with long.open() as ledger:
        leaver, other = (settle(ledger, meter.number, name="Selma LEAVER") for meter in meters)
        for night in write_nights(tmp_path / "nights", meters, [date(2020, 3, 1)]):
            take(ledger, night)
        request = past.request(ledger.services, leaver.account, leaver.meter)
    assert f"being erased, request {request}" in run(long, "erase", "status").out
    early = run(long, "erasure", "certificate", request)
    assert (early.code, early.out) == (1, "")
    with long.open() as ledger:
        past.erase(ledger.services, leaver.account, request, ledger.services.system)
    (status,) = run(long, "erase", "status").out.splitlines()
    assert status.startswith(f"{leaver.account}  past of a meter  ")
    assert status.endswith(f", request {request}")
    assert "  erased 20" in status
    assert run(place, "retention", "run").code == 0
    held = json.loads(run(place, "retention", "show", "--json").out)
    key = tmp_path / "log.vkey"
    key.write_bytes(place.settings.verifying_key.read_bytes())
    elsewhere = Place(tmp_path / "no ledger", None)
    told = {
        request: ("scope: past", "roles.asked: resident", "which meter's past it was"),
        held["id"]: ("scope: retention", "last_year: 2022", "matter: daily_index"),
    }
    for one, said in told.items():
        file, page = tmp_path / f"{one}.json", tmp_path / f"{one}.html"
        made = run(place, "erasure", "certificate", one, "--output", file, "--page", page)
        assert made.code == 0, made
        for written in (file, page):
            proven = run(elsewhere, "verify", written, "--key", key)
            assert (proven.code, proven.err) == (0, "")
            assert all(words in proven.out for words in (*said, "fingerprint: ", "not proven:"))
            for personal in ("LEAVER", leaver.number, *map(str, (leaver.account, other.account))):
                assert personal not in written.read_text("utf-8")
            written.write_bytes(written.read_bytes().replace(b"20", b"21", 1))
            refuted = run(elsewhere, "verify", written, "--key", key)
            assert (refuted.code, refuted.out) == (1, "")


def test_with_four_eyes_the_command_writes_nothing_down_and_carries_out_what_others_validated(
    place: Place,
) -> None:
    strict = replace(place, also={**place.also, "METROLEDGER_FOUR_EYES": "yes"})
    with strict.open() as ledger:
        account = settle(ledger, "1" * 14).account
        end = ledger.log.end()
    refused = strict.run("erase", account)
    assert (refused.code, refused.out) == (1, "")
    with strict.open() as ledger:
        assert ledger.log.end() == end
        desk, (one, other) = site_of(ledger).desk, (member(1), member(2))
        desk.request(account)
        erasure.check_identity(ledger.services, account, one, means="by telephone")
        desk.validate(account, other)
    assert "keys destroyed" in strict.run("erase", account).out


def test_the_keys_alone_are_destroyed_by_name_and_under_no_hold(place: Place) -> None:
    with place.open() as ledger:
        account = settle(ledger, "1" * 14).account
        desk, actor = site_of(ledger).desk, administrator(ledger)
        desk.request(account)
        desk.hold(account, actor, reason="a court asked for the data")
    held = place.run("erase", account, "--keys-alone")
    assert (held.code, held.out) == (1, "")
    with place.open() as ledger:
        site_of(ledger).desk.lift(account, actor)
    said = place.run("erase", account, "--keys-alone").out
    assert "keys destroyed" in said
    stream = re.findall(r"erasure certificate ([0-9a-f-]{36})", said)[0]
    assert place.run("erasure", "certificate", stream).out.startswith("{")
    assert "no consents" in place.run("consents", account).out


def test_four_eyes_are_asked_for_by_name(place: Place) -> None:
    environment = {"METROLEDGER_HOME": str(place.home)}
    assert not read_settings(environment).four_eyes
    assert read_settings(environment | {"METROLEDGER_FOUR_EYES": "yes"}).four_eyes
    with pytest.raises(NoYesOrNo):
        read_settings(environment | {"METROLEDGER_FOUR_EYES": "true"})
