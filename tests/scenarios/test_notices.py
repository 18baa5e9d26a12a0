"""An operator is told of an erasure by upkeep, over a real socket, and does not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from adapters.dso.enedis.series import town
from application import erasure
from application.doctor import record
from application.doctor.finding import State
from application.notices import KEPT_DAYS
from application.notifying import see_to_notices
from projections.requests import Outcome
from tests.adapters.mail.test_mail import mail_server, text_of
from tests.application.conftest import founded, place, site
from tests.application.world import SEED, settle, take, write_nights
from tests.scenarios.erasing import ask_for_erasure
from tests.scenarios.opening import NOTICES, opened_texts

if TYPE_CHECKING:
    from pathlib import Path

    from application.services import Services
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

__all__ = ["founded", "place", "site"]

NUMBER = "09111642617347"
ADDRESS = "rgpd@enedis.example"


def later(ledger: Installation, days: int) -> Services:
    """The services as they are some days later."""
    at = ledger.clock() + timedelta(days=days)
    return replace(ledger.services, clock=lambda: at)


def test_an_operator_that_never_answers_is_written_to_told_to_a_person_and_forgotten(
    place: Place,
) -> None:
    with place.open() as ledger:
        home = settle(ledger, NUMBER)
        ask_for_erasure(ledger, home)
    with mail_server() as (post, taken):
        to = {
            "METROLEDGER_SMTP_URL": f"smtp://127.0.0.1:{post.port}",
            "METROLEDGER_NOTICES": f"enedis={ADDRESS}",
        }
        there = replace(place, also=to)
        said = there.run("upkeep", "--once")
        assert said.code == 0
        assert NUMBER not in said.out + said.err
        with there.open() as ledger:
            assert erasure.certificate_of(ledger.services, home.account).certificate.keys > 1
            assert NUMBER in opened_texts(ledger)[NOTICES]
            for day in range(KEPT_DAYS + 2):
                see_to_notices(later(ledger, day), {})
                found = record.notices(ledger.register.read().notices.values()).state
                assert found is (State.WARN if 14 <= day <= KEPT_DAYS else State.OK)
            assert NUMBER not in "".join(opened_texts(ledger).values())
    told = [one for one in map(text_of, taken) if one[0] == ADDRESS]
    assert len(told) == 4
    assert all(NUMBER in text and NUMBER not in subject for _, subject, text in told)
    assert Outcome.ERASED.value in place.run("erase", "status").out


def test_data_that_comes_after_an_erasure_is_refused_counted_and_told_again(
    place: Place, tmp_path: Path
) -> None:
    (meter,) = town(SEED, 1)
    early, late = write_nights(tmp_path, [meter], [date(2026, 3, 1), date(2026, 3, 2)])
    with place.open() as ledger:
        home = settle(ledger, meter.number)
        assert take(ledger, early).counts["accepted"] == 1
        ask_for_erasure(ledger, home)
    with mail_server() as (post, taken):
        to = {
            "METROLEDGER_SMTP_URL": f"smtp://127.0.0.1:{post.port}",
            "METROLEDGER_NOTICES": f"enedis={ADDRESS}",
        }
        there = replace(place, also=to)
        assert there.run("upkeep", "--once").code == 0
        with there.open() as ledger:
            (refused,) = take(ledger, late).counts.items()
            assert refused[0] == "unknown_point"
            (told,) = ledger.register.read().notices.values()
            assert told.disregarded is not None
            assert told.disregarded.rows == refused[1]
            sent = [see_to_notices(later(ledger, day), {}) for day in (6, 7)]
            assert sent == [0, 1]
        assert f"{refused[1]} rows, refused" in there.run("erase", "status").out
    *_, (_, subject, text) = [one for one in map(text_of, taken) if one[0] == ADDRESS]
    assert subject.startswith("Données reçues après un effacement")
    assert meter.number in text
