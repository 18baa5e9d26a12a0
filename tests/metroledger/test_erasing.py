"""Where each erasure stands, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from application import erasure
from domain.values import month_after
from metroledger.cli.offices import administrator
from metroledger.portal import site_of
from metroledger.settings import NoYesOrNo, read_settings
from tests.application.conftest import founded, place, site
from tests.application.world import settle

if TYPE_CHECKING:
    from tests.application.world import Place

__all__ = ["founded", "place", "site"]  # fixtures, taken from where they are made


def test_status_says_where_each_request_stands(place: Place) -> None:
    assert place.run("erase", "status").out == "no erasure was ever asked for\n"
    with place.open() as ledger:
        waiting, leaving = (settle(ledger, number).account for number in ("1" * 14, "2" * 14))
        for account in (waiting, leaving):
            site_of(ledger).desk.request(account)
        due = month_after(ledger.clock())
        erasure.check_identity(ledger.services, waiting, administrator(ledger), means="in person")
    assert place.run("erase", str(leaving)).code == 0
    first, second = place.run("erase", "status").out.splitlines()
    assert first.startswith(f"{waiting}  identity checked")
    assert first.endswith(f"answer due {due}")
    assert second.startswith(f"{leaving}  erased")
    assert place.run("erase", "nobody").code == 2


def test_four_eyes_are_asked_for_by_name(place: Place) -> None:
    environment = {"METROLEDGER_HOME": str(place.home)}
    assert not read_settings(environment).four_eyes
    assert read_settings(environment | {"METROLEDGER_FOUR_EYES": "yes"}).four_eyes
    with pytest.raises(NoYesOrNo):
        read_settings(environment | {"METROLEDGER_FOUR_EYES": "true"})
