"""The case R6: connections cut while a commit is on its way, 200 times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

import pytest

from application import residents
from application.services import new_id
from domain.aggregates import account
from domain.errors import Unavailable
from domain.events import Change
from domain.events.account import AccountOpened
from tests.application.world import cutting
from tests.scenarios.killing import check_sound

if TYPE_CHECKING:
    from uuid import UUID

    from application.transact import Loading
    from metroledger.bootstrap import Installation
    from tests.application.world import Place

CUTS = 200
COMMANDS = 4_000


@pytest.mark.campaign
@pytest.mark.chaos
def test_two_hundred_cuts_hide_no_outcome_and_double_no_effect(place: Place) -> None:
    with place.open() as ledger:
        streams = [new_id() for _ in range(COMMANDS)]
        with cutting(place, Random(200), cuts=CUTS) as cuts, ThreadPoolExecutor(8) as threads:
            unavailable = sum(threads.map(lambda stream: insist(ledger, stream), streams))
            left = cuts.left
        assert left == 0, "all cuts were made while commands were under way"
        states = [ledger.ledger.load(account, stream) for stream in streams]
        assert {state.version for state in states} == {1}
        check_sound(ledger)
    print(
        f"\n{CUTS} cuts under {COMMANDS} commands; {unavailable} answers were open, all ended true"
    )


def insist(ledger: Installation, stream: UUID) -> int:
    """Send one command, the same each time, until it is answered; return how often it was not."""
    wanted = AccountOpened(name="Homer", email="homer@example.org", language="fr")

    def decide(load: Loading) -> list[Change]:
        events = account.open_account(load(account, stream).state, wanted)
        return [Change(stream=stream, event=event, subject=stream) for event in events]

    command, context = new_id(), ledger.services.context(residents.resident(stream))
    for tries in range(1_000):
        try:
            if ledger.ledger.transact(command, decide, context=context) is not None:
                return tries
        except Unavailable:
            continue
    raise TimeoutError
