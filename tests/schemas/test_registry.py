"""The list of stored event types is whole and consistent."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

import domain.events
from domain.events import Event
from schemas import registry
from schemas.upcasting import UPCASTERS


def _defined() -> set[type[Event]]:
    modules = [
        importlib.import_module(f"domain.events.{module.name}")
        for module in pkgutil.iter_modules(domain.events.__path__)
    ]
    classes = {cls for module in modules for _, cls in inspect.getmembers(module, inspect.isclass)}
    return {cls for cls in classes if issubclass(cls, Event) and cls.TOPIC}


def test_every_event_class_with_a_topic_is_registered() -> None:
    assert set(registry.STORED) == _defined()


def test_topics_are_unique_and_name_their_class_and_version() -> None:
    assert len(registry.EVENT_TYPES) == len(registry.STORED)
    for topic, event in registry.EVENT_TYPES.items():
        name, version = topic.rsplit(".v", 1)
        assert re.fullmatch(r"[1-9][0-9]*", version)
        assert event.__name__ in (name, f"{name}V{version}")
        assert (event.__name__ == name) == (topic not in UPCASTERS), "the newest has the plain name"


@pytest.mark.parametrize("event", registry.STORED, ids=lambda event: event.TOPIC)
def test_every_member_lies_in_exactly_one_zone(event: type[Event]) -> None:
    zones = registry.zones_of(event)
    grouped = [name for names in zones.groups.values() for name in names]
    members = [*zones.leaf, *grouped, *zones.payload]
    assert sorted(members) == sorted(event.__struct_fields__)
    assert not (zones.groups and zones.payload)


@pytest.mark.parametrize("event", registry.STORED, ids=lambda event: event.TOPIC)
def test_an_event_is_sealed_exactly_when_it_has_a_data_subject(event: type[Event]) -> None:
    assert (event.KEY is not None) == bool(event.GROUPS)


def test_these_events_end_their_stream() -> None:
    assert {
        "AgreementEnded.v1",
        "AccountErased.v1",
        "AccountErased.v2",
        "KeysDestroyed.v1",
        "MeterMovedOut.v1",
        "ConsentWithdrawn.v1",
        "ConsentRefused.v1",
        "ConsentExpired.v1",
        "CollectionStopped.v1",
        "RetentionCarriedOut.v1",
        "NoticeAcknowledged.v1",
        "NoticeExpired.v1",
    } == registry.ENDING_TOPICS


def test_reading_kinds_are_a_bijection_with_a_category_each() -> None:
    assert {kind: event.TOPIC for kind, event in registry.READING_KINDS.items()} == {
        1: "IndexReceived.v1",
        2: "IntervalReceived.v1",
        3: "LoadCurveDayReceived.v1",
        4: "MaximumPowerReceived.v1",
    }
    for kind, event in registry.READING_KINDS.items():
        assert registry.KIND_OF[event] == kind
        assert registry.reading_type(kind) is event
    assert registry.CATEGORY_OF_KIND.keys() == registry.READING_KINDS.keys()


def test_an_unknown_kind_of_reading_is_said_to_be_unknown() -> None:
    with pytest.raises(registry.UnknownReadingKind, match="kind 9"):
        registry.reading_type(9)
