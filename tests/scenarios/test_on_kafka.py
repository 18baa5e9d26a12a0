"""A ledger whose log is a topic of a real broker: the same story, and the same answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from adapters.kafka.place import ALONE, NoTopic
from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.topic import create_topic
from application import consenting
from domain.aggregates import consent
from domain.aggregates.consent import ConsentStatus, Origin
from ledger.fold import LogNotOurs
from metroledger.bootstrap import create_ledger
from metroledger.kept import Topic
from tests.application.world import ORIGIN, SEED, Place, closed, found, settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.application.world import Site


@pytest.fixture
def unfounded(site: Site, broker: str, topic: str) -> Iterator[Place]:
    """A place whose log is to be a topic that nobody has made."""
    place = replace(site.new(), topic=Topic(servers=(broker,), name=topic, replicas=1))
    yield place
    site.drop(place)


@pytest.fixture
def on_kafka(unfounded: Place, broker: str, topic: str) -> Place:
    """A ledger on a topic of its own, with texts and an agreement."""
    create_topic(TopicPlace(servers=(broker,), topic=topic), ALONE)
    found(unfounded)
    return unfounded


def test_the_whole_story_is_told_on_a_topic(on_kafka: Place, tmp_path: Path) -> None:
    with on_kafka.open() as installation:
        meters = town(SEED, 1)
        home = settle(installation, meters[0].number)
        first, second = write_nights(tmp_path / "in", meters, [date(2025, 1, 7), date(2025, 1, 8)])
        take(installation, first)
        consenting.withdraw_consent(installation.services, home.consents[0], origin=Origin.RESIDENT)
        take(installation, second)
        report = closed(installation)
        assert report.readings == report.covered == 1
    said = on_kafka.run("replay")
    assert said.out.startswith("folded again from the beginning: the same"), said.err
    rows = [json.loads(row) for row in on_kafka.run("doctor", "--json").out.splitlines()]
    log = next(row for row in rows if row["check"] == "log")
    assert log["state"] == "ok"
    assert log["says"] == "it is ours; 0 records wait to be folded"


def test_a_topic_is_never_made_because_it_was_not_found(unfounded: Place) -> None:
    with pytest.raises(NoTopic, match="metroledger log create"):
        create_ledger(unfounded.settings, ORIGIN)


def test_a_ledger_stays_on_the_log_it_was_opened_on(on_kafka: Place) -> None:
    with (
        pytest.raises(LogNotOurs, match="deleted and made again"),
        replace(on_kafka, topic=None).open(),
    ):
        pass


def test_a_lost_database_is_folded_again_from_the_topic(on_kafka: Place, site: Site) -> None:
    with on_kafka.open() as installation:
        home = settle(installation, "30001112223334")
        before = installation.store.cursor()
    empty = site.new()
    again = replace(on_kafka, database=empty.database)
    with again.open() as installation:
        after = installation.store.cursor()
        assert (after.size, after.accepted) == (before.size, before.accepted)
        assert after.frontier.root() == before.frontier.root()
        state = installation.ledger.load(consent, home.consents[0]).state
        assert state.status is ConsentStatus.GRANTED
    site.drop(empty)


def test_several_processes_at_once_fold_one_history(on_kafka: Place) -> None:
    with on_kafka.open() as installation:
        settle(installation, "30001112223334")
    writers = [
        on_kafka.start("account", "open", "--name", f"N{n}", "--email", f"n{n}@example.org")
        for n in range(3)
    ]
    for writer in writers:
        out, error = writer.communicate(timeout=60)
        assert writer.returncode == 0, error
        assert out.startswith("account ")
    assert on_kafka.run("replay").out.startswith("folded again from the beginning: the same")
