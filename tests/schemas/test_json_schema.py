"""What is published about the bytes is what the code reads and writes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.events import Event
from schemas import canonical, registry
from schemas.json_schema import LEAF, committed, generated, leaf_schema, schema_of
from schemas.leaf import Leaf, encode_leaf
from tests.schemas.events import events, structs

VALIDATORS = {
    topic: Draft202012Validator(
        schema_of(event), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for topic, event in registry.EVENT_TYPES.items()
}
LEAF_VALIDATOR = Draft202012Validator(
    leaf_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER
)
DIGESTS = st.binary(min_size=32, max_size=32).map(canonical.b64)


def test_the_committed_schemas_are_the_generated_ones() -> None:
    assert committed() == generated(), "run 'python -m schemas.json_schema --write' and look"


def test_every_event_version_and_the_leaf_have_a_schema() -> None:
    assert {name.removesuffix(".json") for name in committed()} == {*registry.EVENT_TYPES, LEAF}


@pytest.mark.parametrize("name", sorted(committed()))
def test_every_schema_is_one_of_draft_2020_12_and_says_what_it_is(name: str) -> None:
    schema = json.loads(committed()[name])
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == name.removesuffix(".json")
    assert schema["description"]
    assert "\n  " not in schema["description"].partition("::")[0]


@given(events())
def test_every_event_validates_by_its_schema_and_reads_back(event: Event) -> None:
    members = json.loads(canonical.encode(event))
    VALIDATORS[event.TOPIC].validate(members)
    assert msgspec.convert(members, type(event)) == event


@given(events(), st.data())
def test_an_event_lacking_a_member_or_with_another_does_not_validate(
    event: Event, data: st.DataObject
) -> None:
    members: dict[str, Any] = json.loads(canonical.encode(event))
    lacking = data.draw(st.sampled_from(sorted(members)))
    less = {name: value for name, value in members.items() if name != lacking}
    assert not VALIDATORS[event.TOPIC].is_valid(less)
    assert not VALIDATORS[event.TOPIC].is_valid({**members, "another": 1})


@pytest.mark.parametrize("event", registry.STORED, ids=lambda event: event.TOPIC)
def test_a_schema_says_where_each_member_lies(event: type[Event]) -> None:
    schema = json.loads(committed()[f"{event.TOPIC}.json"])
    zones = schema["zones"]
    grouped = [name for names in zones["groups"].values() for name in names]
    members = [*zones["leaf"], *grouped, *zones["payload"]]
    assert sorted(members) == sorted(schema["properties"])
    assert list(zones["groups"]) == list(event.GROUPS)


def test_an_instant_without_its_offset_does_not_validate() -> None:
    schema = schema_of(registry.EVENT_TYPES["ConsentWithdrawn.v1"])["properties"]["withdrawn_at"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid("2026-11-25T03:00:00Z")
    assert not validator.is_valid("2026-11-25T03:00:00")


LEAVES = st.builds(
    Leaf,
    v=st.just(1),
    type=st.sampled_from(sorted(registry.EVENT_TYPES)),
    event=st.uuids(),
    hour=st.datetimes().map(lambda at: f"{at:%Y-%m-%dT%HZ}".rjust(14, "0")),
    rest=DIGESTS,
    commitment=DIGESTS,
    consent=st.none() | st.uuids(),
    cites=st.none() | DIGESTS,
    category=st.none() | st.sampled_from(["daily_index", "contract"]),
    last_day=st.none() | st.dates().map(str),
)


@given(LEAVES)
def test_every_leaf_validates_by_its_schema(leaf: Leaf) -> None:
    LEAF_VALIDATOR.validate(json.loads(encode_leaf(leaf)))


@given(LEAVES, structs(registry.EVENT_TYPES["DeliveryCompleted.v1"]))
def test_a_leaf_has_a_commitment_or_a_payload_and_not_both(leaf: Leaf, event: Event) -> None:
    both = msgspec.structs.replace(leaf, payload=msgspec.to_builtins(event))
    neither = msgspec.structs.replace(leaf, commitment=None)
    public = msgspec.structs.replace(both, commitment=None)
    assert LEAF_VALIDATOR.is_valid(json.loads(encode_leaf(public)))
    assert not LEAF_VALIDATOR.is_valid(json.loads(encode_leaf(both)))
    assert not LEAF_VALIDATOR.is_valid(json.loads(encode_leaf(neither)))
