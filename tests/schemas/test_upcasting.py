"""Old versions are read as new ones, step by step, and nothing stored is touched."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Unavailable
from schemas.registry import EVENT_TYPES
from schemas.upcasting import UPCASTERS, Members, UnknownEventVersion, upcast

KNOWN = {"BoilerLit.v1": None, "BoilerLit.v2": None, "BoilerLit.v3": None, "BoilerOut.v1": None}


def _to_v2(members: Members) -> tuple[str, Members]:
    """Version 1 had kilowatts, and no maker."""
    rest = {name: value for name, value in members.items() if name != "power_kw"}
    return "BoilerLit.v2", {**rest, "power_w": members["power_kw"] * 1000, "maker": None}


def _to_v3(members: Members) -> tuple[str, Members]:
    """Version 2 had one text where version 3 has a list of fuels."""
    rest = {name: value for name, value in members.items() if name != "fuel"}
    return "BoilerLit.v3", {**rest, "fuels": [members["fuel"]]}


BOILERS = {"BoilerLit.v1": _to_v2, "BoilerLit.v2": _to_v3}
NEWEST: Members = {"power_w": 24_000, "maker": None, "fuels": ["wood"]}


def _upcast(topic: str, members: Members) -> tuple[str, Members]:
    return upcast(topic, members, upcasters=BOILERS, known=KNOWN)


@pytest.mark.parametrize(
    ("topic", "members"),
    [
        ("BoilerLit.v1", {"power_kw": 24, "fuel": "wood"}),
        ("BoilerLit.v2", {"power_w": 24_000, "maker": None, "fuel": "wood"}),
        ("BoilerLit.v3", NEWEST),
    ],
)
def test_each_version_becomes_the_newest(topic: str, members: Members) -> None:
    assert _upcast(topic, members) == ("BoilerLit.v3", NEWEST)


def test_upcasting_leaves_what_it_was_given_as_it_was() -> None:
    members: dict[str, Any] = {"power_kw": 24, "fuel": "wood"}
    _upcast("BoilerLit.v1", members)
    assert members == {"power_kw": 24, "fuel": "wood"}


def test_a_type_without_upcasters_stays_as_it_is() -> None:
    assert _upcast("BoilerOut.v1", {"reason": "no wood"}) == ("BoilerOut.v1", {"reason": "no wood"})


@pytest.mark.parametrize("topic", ["BoilerLit.v4", "Boiler.v1", "BoilerLit", ""])
def test_a_version_from_the_future_stops_whoever_must_read_it(topic: str) -> None:
    with pytest.raises(UnknownEventVersion, match="upgrade") as stopped:
        _upcast(topic, {})
    assert stopped.value.topic == topic
    assert isinstance(stopped.value, Unavailable)


@pytest.mark.parametrize("topic", sorted(EVENT_TYPES))
def test_every_stored_type_of_today_is_in_its_newest_version_or_has_a_way_there(topic: str) -> None:
    name, _, version = topic.rpartition(".v")
    newest = max(int(t.rpartition(".v")[2]) for t in EVENT_TYPES if t.rpartition(".v")[0] == name)
    assert (topic in UPCASTERS) == (int(version) < newest)


def test_no_upcaster_reads_a_type_that_was_never_stored() -> None:
    assert UPCASTERS.keys() <= EVENT_TYPES.keys()
