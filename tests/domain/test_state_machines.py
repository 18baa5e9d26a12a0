"""Every state with every event: the tables, walked to their ends."""

import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest

from domain.aggregates import (
    access,
    account,
    agreement,
    collection,
    consent,
    delivery,
    destruction,
    letters,
    meter,
    notice,
    retention,
    terms,
)
from domain.aggregates.machine import ImpossibleEvent
from domain.errors import Corrupt
from domain.events import Event
from domain.events import consent as consent_events
from domain.events.account import DestructionOrdered
from schemas.upcasting import UPCASTERS
from tests.domain.samples import SAMPLE_OF, SAMPLES, histories, moves
from tests.domain.world import given

MACHINES = (
    agreement,
    terms,
    account,
    destruction,
    meter,
    consent,
    collection,
    delivery,
    access,
    retention,
    letters,
    notice,
)
ROOT = Path(__file__).resolve().parent.parent.parent


def _name(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__.rpartition(".")[2]
    return str(getattr(value, "name", value))


@pytest.mark.parametrize("machine", MACHINES, ids=_name)
def test_every_state_can_be_reached(machine: ModuleType) -> None:
    statuses: type[StrEnum] = type(machine.INITIAL.status)
    assert set(histories(machine)) == set(statuses)
    assert set(machine.TRANSITIONS) == set(statuses)


@pytest.mark.parametrize("machine", MACHINES, ids=_name)
def test_every_event_moves_every_state_as_the_table_says_or_is_impossible(
    machine: ModuleType,
) -> None:
    for status, history in histories(machine).items():
        state = given(machine, *history).state
        assert state.status is status
        for event in SAMPLES:
            following = machine.TRANSITIONS[status].get(type(event))
            if following is None:
                with pytest.raises(ImpossibleEvent, match="An operator must"):
                    machine.evolve(state, event)
            else:
                assert machine.evolve(state, event).status is following


@pytest.mark.parametrize("machine", MACHINES, ids=_name)
def test_an_event_that_ends_its_stream_leads_where_nothing_follows(machine: ModuleType) -> None:
    for _, kind, to in moves(machine):
        if kind.ENDS:
            assert machine.TRANSITIONS[to] == {}


def test_every_stored_event_has_its_place_in_exactly_one_machine() -> None:
    """But for the order of destruction: of a whole account, or of a part in a stream of its own."""
    for kind in SAMPLE_OF:
        places = {_name(m) for m in MACHINES for _, by, _ in moves(m) if by is kind}
        if kind is DestructionOrdered:
            assert places == {"account", "destruction"}
            continue
        assert len(places) == (kind.TOPIC not in UPCASTERS), f"{kind}: older ones are read as newer"
    assert set(SAMPLE_OF) == _stored_kinds(Event) - {consent_events.Evidence}


def _stored_kinds(kind: type[Event]) -> set[type[Event]]:
    return {one for direct in kind.__subclasses__() for one in (direct, *_stored_kinds(direct))}


@dataclass(frozen=True)
class Redacted:
    event_type: str


@pytest.mark.parametrize("machine", MACHINES, ids=_name)
def test_an_event_nobody_can_read_any_more_still_moves_its_stream(machine: ModuleType) -> None:
    for status, history in histories(machine).items():
        state = machine.INITIAL
        for event in history:
            state = machine.evolve(state, Redacted(event.TOPIC))
        assert state.status is status


def test_an_event_of_no_known_type_is_corrupt() -> None:
    with pytest.raises(Corrupt, match=r"ConsentSold\.v1 cannot happen"):
        consent.evolve(consent.INITIAL, Redacted("ConsentSold.v1"))


def test_the_pictures_in_the_docs_are_drawn_from_these_tables() -> None:
    script = ROOT / "docs" / "make_states.py"
    spec = importlib.util.spec_from_file_location("make_states", script)
    assert spec is not None
    assert spec.loader is not None
    make_states = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_states)
    page = (ROOT / "docs" / "states.md").read_text("utf-8")
    assert page == make_states.render(), "run: python docs/make_states.py"
