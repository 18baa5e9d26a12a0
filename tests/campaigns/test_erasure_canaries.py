"""The bar: of fifty facts none is left, with the log in PostgreSQL's table and on a Kafka."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.place import ALONE
from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.topic import create_topic
from metroledger.kept import Topic
from tests.scenarios.canaries import SHORTEST, forms
from tests.scenarios.erasing import (
    CANARIES,
    PASSWORD,
    ask_at_the_desk,
    erase_at_work,
    kept_up,
    live,
    lives,
    see,
)
from tests.scenarios.opening import OWN_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.erasing import Life, Seen

BATCH_HEAD: Final = 23
"""Offset 8, length 4, epoch 4, magic 1, checksum 4, attributes 2: of a batch in a segment."""


@pytest.fixture(params=["postgres", "kafka"])
def life(request: pytest.FixtureRequest, topic: str) -> Iterator[Life]:
    with contextlib.ExitStack() as stack:
        if request.param == "kafka":
            request.getfixturevalue("kafka_place")
        life = stack.enter_context(lives())
        if request.param == "kafka":
            kafka = stack.enter_context(EmbeddedKafka(life.place.home.parent / "kafka"))
            servers = (kafka.bootstrap,)
            create_topic(TopicPlace(servers=servers, topic=topic), ALONE)
            there = Topic(servers=servers, name=topic, replicas=1)
            life.place = replace(life.place, topic=there)
        yield life


@pytest.mark.campaign
def test_of_fifty_facts_none_is_left(life: Life) -> None:
    leaving, staying = live(life)
    ask_at_the_desk(life, leaving)
    before = see(life.place, leaving, staying, life.others)
    found_before, _ = _found(life)
    with kept_up(life.place):
        watch, took = erase_at_work(life, leaving)
    found_after, letters = _found(life)
    after = see(life.place, leaving, staying, life.others)
    held, theirs = (sum(len(one.rows) for one in seen.others.values()) for seen in (before, after))
    print(
        f"\nlog in {'kafka' if life.place.topic else 'postgres'}: {len(CANARIES)} facts in "
        f"{sum(1 for _ in _forms())} forms; {_size(life) >> 20} MiB and {len(life.said)} outputs "
        f"searched: found before {len(found_before)}, after {len(found_after)} (beside {letters} "
        f"letters, which have days of their own); opened by the present keys before "
        f"{len(_opened(before))} (all but the password, of which a hash is kept), after "
        f"{len(_opened(after))}; the portal's two workers answered {sum(watch.answers.values())} "
        f"times, with a fact {1e3 * watch.answered_s:.0f} ms after the destruction; validated to "
        f"certified {took:.1f} s; others' readings {theirs} of {held} as before"
    )
    assert found_before == found_after == []
    assert _opened(before) == set(CANARIES) - {PASSWORD}
    assert _opened(after) == set()
    assert watch.answered_s < 1
    assert took < 60
    assert after.others == before.others
    if life.place.topic:
        codecs = set(_codecs(life.place.home.parent / "kafka", life.place.topic.name))
        assert codecs == {0}, "no batch is compressed, so its bytes are what was searched"


def _forms() -> Iterator[bytes]:
    return (form for fact in CANARIES for form in set(forms(fact)) if len(form) >= SHORTEST)


def _found(life: Life) -> tuple[list[tuple[str, str]], int]:
    """Return what is found where it should not be, and in how many letters it is found."""
    found = life.seeker.search(life.place.home, life.said)
    if life.place.topic:
        found += life.seeker.search(life.place.home.parent / "kafka", {})
    letters = {place for _, place in found if place.startswith("outbox/")}
    return [one for one in found if one[1] not in letters], len(letters)


def _size(life: Life) -> int:
    places = (life.place.home, life.place.home.parent / "kafka")
    return sum(path.stat().st_size for one in places for path in one.rglob("*") if path.is_file())


def _opened(seen: Seen) -> set[str]:
    texts = [text for place, text in seen.texts.items() if place not in OWN_DAYS]
    return {fact for fact in CANARIES if any(fact in text for text in texts)}


def _codecs(kafka: Path, topic: str) -> Iterator[int]:
    """Yield the compression of each batch in a topic's segments; 0 is none."""
    for segment in kafka.rglob(f"{topic}-0/*.log"):
        content, at = segment.read_bytes().rstrip(b"\0"), 0
        while at + BATCH_HEAD <= len(content):
            yield content[at + BATCH_HEAD - 1] & 7
            at += 12 + int.from_bytes(content[at + 8 : at + 12], "big")
