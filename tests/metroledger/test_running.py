"""What upkeep does once a day, when it ends the key store's epoch."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from application.arrivals import KEPT, Arrival
from application.services import new_id
from metroledger.bootstrap import create_ledger, now
from metroledger.cli.running import processes_of
from tests.application.conftest import empty, site
from tests.application.world import ORIGIN

if TYPE_CHECKING:
    from datetime import datetime

    from tests.application.world import Place

__all__ = ["empty", "site"]  # fixtures, taken from where they are made
DAY = timedelta(days=1)


def _came(at: datetime) -> Arrival:
    return Arrival(
        id=new_id(), operator="enedis", slot=None, delivery=new_id(), size_bytes=1, at=at
    )


def test_once_a_day_it_is_forgotten_what_became_of_files_of_long_ago(empty: Place) -> None:
    create_ledger(empty.settings, ORIGIN, clock=lambda: now() - 2 * DAY)
    old, kept = _came(now() - KEPT - DAY), _came(now() - KEPT + DAY)
    with empty.open() as installation:
        for one in (old, kept):
            installation.arrivals.note(one)
    for said in (empty.run("upkeep", "--once"), empty.run("upkeep", "--once")):
        assert (said.code, said.err) == (0, "")
    with empty.open() as installation:
        assert list(installation.arrivals.since(now() - 2 * KEPT)) == [kept]
        again = _came(old.at)
        installation.arrivals.note(again)
    assert empty.run("upkeep", "--once").code == 0
    with empty.open() as installation:
        assert again in installation.arrivals.since(now() - 2 * KEPT), "not twice a day"


def test_the_portal_alone_is_several_processes_each_with_its_own_ports(empty: Place) -> None:
    assert list(processes_of("collect", 3)) == [("collect", ("collect",))]
    portal = dict(processes_of("portal", 2))
    assert portal == {
        "portal": ("serve", "--worker", "1"),
        "portal 2": ("serve", "--worker", "2"),
    }
    answers = {empty.settings.operations_of_portal(worker) for worker in (1, 2)}
    assert len(answers | {empty.settings.operations}) == 3
