"""Readings on the command line: its holder sees that somebody looked, and an end ends it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from adapters.dso.enedis.series import town
from application import consenting, seeing
from domain.aggregates.consent import Origin
from domain.events.access import Reason, Seen
from tests.application.conftest import founded, place, site
from tests.application.world import SEED, Place, settle, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made


def test_whoever_shows_a_consumption_is_seen_and_nothing_is_shown_after_the_end(
    place: Place, tmp_path: Path
) -> None:
    (meter,) = town(SEED, 1)
    days = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
    with place.open() as ledger:
        home = settle(ledger, meter.number)
        for path in write_nights(tmp_path, [meter], days):
            take(ledger, path)
    (consent,) = home.consents
    shown = place.run("consumption", consent, "--from", days[0], "--to", days[1])
    assert " Wh" in shown.out
    with place.open() as ledger:
        (look,) = seeing.seen_by_staff(ledger.services, home.account)
        assert (look.what, look.why) == (Seen.READINGS, Reason.AT_THE_MACHINE)
        assert look.role == "administrator"
        consenting.withdraw_consent(ledger.services, consent, origin=Origin.RESIDENT)
    refused = place.run("consumption", consent, "--from", days[0], "--to", days[1])
    assert (refused.code, refused.out) == (1, "")
    assert "has ended" in refused.err
    assert place.run("erase", home.account).code == 0
    assert "their keys were" in place.run("consumption", consent).out
