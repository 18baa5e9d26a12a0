"""A round of collecting takes each file in once, whatever it is and whenever it is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.dropbox.watch import INCOMING, KEPT, Box
from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.nights import simulated_keyring
from adapters.dso.enedis.series import town
from adapters.dso.enedis.simulator import Night, sent
from application.arrivals import Arrival, State, Trouble, alarms
from application.collection_run import Collection, collect_once, take_again
from application.deliveries import Result
from application.parking import parked_content
from metroledger.operators import UNOPENED, enedis_intake
from tests.application.world import SEED, readings_held, settle_all

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from application.ingesting import Told, Unreadable
    from metroledger.bootstrap import Installation

DAY = date(2026, 3, 1)
HOMES = town(SEED, 3)


@pytest.fixture
def collection(ledger: Installation, tmp_path: Path) -> Collection:
    settle_all(ledger, HOMES)
    (tmp_path / INCOMING / "enedis").mkdir(parents=True)
    return Collection(
        services=ledger.services,
        arrivals=ledger.arrivals,
        box=Box(tmp_path, quiet_s=0, largest_bytes=1 << 20),
        intakes={"enedis": enedis_intake(Keyring(keys=()))},
    )


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    (path := tmp_path / INCOMING / "enedis" / name).write_bytes(content)
    return path


def night(day: date = DAY) -> tuple[str, bytes]:
    return sent(Night(seed=SEED, day=day, meters=HOMES))


def round_of(collection: Collection) -> list[Result | None]:
    collection.box.look()
    return [one.outcome.result if one.outcome else None for one in collect_once(collection)]


def states(ledger: Installation) -> list[tuple[State, str | None]]:
    now = ledger.clock()
    return [(one.state, one.reason) for one in ledger.arrivals.since(now - timedelta(days=1))]


def test_a_file_is_taken_in_moved_away_and_known_when_it_comes_again(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    name, content = night()
    path = put(tmp_path, name, content)
    assert round_of(collection) == [Result.TAKEN_IN]
    assert not path.exists()
    (kept,) = (tmp_path / KEPT / "enedis").iterdir()
    assert kept.read_bytes() == content
    put(tmp_path, name, content)
    assert round_of(collection) == [Result.ALREADY_TAKEN_IN]
    assert states(ledger) == [(State.TAKEN_IN, None)]
    assert set(readings_held(ledger).values()) == {1}


def test_a_companion_is_set_aside_and_a_foreign_name_is_parked_and_not_lost(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    name, content = night()
    put(tmp_path, name.replace(".zip", "_svc.xml"), b"<svc/>")
    put(tmp_path, "09111642617347.zip", content)
    assert set(round_of(collection)) == {None, Result.PARKED}
    assert set(states(ledger)) == {(State.COMPANION, None), (State.PARKED, "foreign_name")}
    assert list((tmp_path / INCOMING / "enedis").iterdir()) == []
    (delivery,) = (one.delivery for one in _arrived(ledger) if one.state is State.PARKED)
    assert parked_content(ledger.services, delivery) == content
    assert not readings_held(ledger)


def test_when_no_key_fits_the_flow_is_an_alarm_and_the_bytes_are_kept_sealed(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    key = simulated_keyring(SEED).keys[0]
    name, content = sent(Night(seed=SEED, day=DAY, meters=HOMES), key)
    put(tmp_path, name, content)
    assert round_of(collection) == [Result.PARKED]
    (alarm,) = alarms(_arrived(ledger), ledger.clock(), UNOPENED)
    assert alarm.trouble is Trouble.NOTHING_DECRYPTED
    assert not (tmp_path / KEPT).exists()

    began = ledger.clock() - timedelta(days=1)
    assert list(take_again(collection, began)) == []
    given = replace(collection, intakes={"enedis": enedis_intake(simulated_keyring(SEED))})
    (taken,) = take_again(given, began)
    assert taken.outcome is not None
    assert taken.outcome.result is Result.TAKEN_IN
    assert list(take_again(given, began)) == []
    assert alarms(_arrived(ledger), ledger.clock(), UNOPENED) == ()
    assert len(readings_held(ledger)) == len(HOMES)


def test_what_was_parked_and_comes_again_when_it_can_be_read_is_taken_in_once(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    key = simulated_keyring(SEED).keys[0]
    name, content = sent(Night(seed=SEED, day=DAY, meters=HOMES), key)
    given = replace(collection, intakes={"enedis": enedis_intake(simulated_keyring(SEED))})
    for one, result in ((collection, Result.PARKED), (given, Result.TAKEN_IN)):
        put(tmp_path, name, content)
        assert round_of(one) == [result]
    put(tmp_path, name, content)
    assert round_of(given) == [Result.ALREADY_TAKEN_IN]
    assert list(take_again(given, ledger.clock() - timedelta(days=1))) == []
    assert set(readings_held(ledger).values()) == {1}
    assert list((tmp_path / INCOMING / "enedis").iterdir()) == []


def test_where_there_are_keys_a_plain_file_is_parked_and_never_taken_in_by_itself(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    given = replace(collection, intakes={"enedis": enedis_intake(simulated_keyring(SEED))})
    put(tmp_path, *night())
    assert round_of(given) == [Result.PARKED]
    assert states(ledger) == [(State.PARKED, "not_encrypted")]
    assert list(take_again(given, ledger.clock() - timedelta(days=1))) == []
    assert not readings_held(ledger)


def test_a_file_that_fails_holds_up_none_of_the_others(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    source = collection.intakes["enedis"].source
    first, second = night(), night(DAY + timedelta(days=1))

    def stumble(name: str, content: bytes) -> Told | Unreadable:
        if name == first[0]:
            raise ZeroDivisionError
        return source.codec(name, content)

    stumbling = replace(collection.intakes["enedis"], source=replace(source, codec=stumble))
    stuck = put(tmp_path, *first)
    put(tmp_path, *second)
    with pytest.raises(ZeroDivisionError):
        round_of(replace(collection, intakes={"enedis": stumbling}))
    assert stuck.exists()
    assert len(readings_held(ledger)) == len(HOMES)
    assert round_of(collection) == [Result.TAKEN_IN]


def test_killed_between_any_two_steps_the_next_round_ends_it(
    collection: Collection, ledger: Installation, tmp_path: Path
) -> None:
    """Each port stops the round where it is called; the same round is then begun again."""
    steps = ("note", "settle")
    for number, step in enumerate(steps):
        put(tmp_path, *night(DAY + timedelta(days=number)))
        broken = replace(collection, arrivals=_Stopping(ledger, step))
        with pytest.raises(InterruptedError):
            round_of(broken)
        (result,) = round_of(collection)
        assert result is (Result.TAKEN_IN if step == "note" else Result.ALREADY_TAKEN_IN)
    assert states(ledger) == [(State.TAKEN_IN, None)] * len(steps)
    held = readings_held(ledger)
    assert (len(held), set(held.values())) == (len(HOMES) * len(steps), {1})


def test_what_was_kept_long_enough_is_emptied(collection: Collection, tmp_path: Path) -> None:
    put(tmp_path, *night())
    round_of(collection)
    round_of(replace(collection, kept=timedelta(seconds=-5)))
    assert list((tmp_path / KEPT / "enedis").iterdir()) == []


def _arrived(ledger: Installation) -> list[Arrival]:
    return list(ledger.arrivals.since(ledger.clock() - timedelta(days=1)))


class _Stopping:
    """The real arrivals, which stop the process at one step."""

    def __init__(self, ledger: Installation, step: str) -> None:
        self._arrivals = ledger.arrivals
        self._step = step

    def note(self, arrival: Arrival) -> None:
        self._arrivals.note(arrival)
        if self._step == "note":
            raise InterruptedError

    def settle(self, file: UUID, state: State, reason: str | None) -> None:
        if self._step == "settle":
            raise InterruptedError
        self._arrivals.settle(file, state, reason)

    def since(self, at: datetime) -> list[Arrival]:
        return list(self._arrivals.since(at))

    def drop(self, before: datetime) -> int:
        return self._arrivals.drop(before)
