"""What a person is given of their data, and what an erasure makes unreadable, are the same set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec
import psycopg
import pytest
from psycopg import sql

from adapters.dso.enedis.series import town
from adapters.http.api.export import document
from application import answering, consenting, dossier, erasure, past, seeing, viewing
from application.reactions import write_letters
from application.services import collection_id, new_id
from application.tables import consumption, readings
from application.viewing import NothingHere
from domain.aggregates import collection, consent, meter
from domain.aggregates.consent import Origin
from domain.aggregates.reading import INITIAL
from domain.events import Change
from domain.events.collection import CollectionResumed, CollectionSuspended
from domain.events.consent import ConsentExpired, ConsentExtended
from domain.events.meter import ContractFactsReceived, MeterAttested, MeterMovedOut
from domain.events.reading import IntervalReceived, LoadCurveDayReceived
from domain.values import Category, Channel
from keys.redaction import Redacted
from ledger.frames import Opened
from metroledger.bootstrap import administrator
from metroledger.personal_data import REGISTRY
from metroledger.personal_data.entry import PERSONAL, Place
from metroledger.personal_data.given import OTHERS, Given, given
from metroledger.portal import site_of
from projections.series import show
from tests.application.conftest import founded, place, site
from tests.application.world import settle, take, wish, write_nights
from tests.domain.samples import sample

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from application.transact import Loading
    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household
    from tests.application.world import Place as Home

__all__ = ["founded", "place", "site"]

Said = dict[str, list[dict[str, Any]]]

NOT_BROUGHT: Final = {IntervalReceived.TOPIC, LoadCurveDayReceived.TOPIC}
"""Readings that no file which is read here brings; they take the road of the other two."""
NIGHTS: Final = [date(2026, 3, 1), date(2026, 3, 2)]


@dataclass(frozen=True)
class Life:
    """Somebody to whom everything happened that may: their export, and their streams."""

    home: Household
    exported: dict[str, Any]
    streams: list[UUID]


def write(ledger: Installation, of: Any, stream: UUID, event: Event, subject: UUID) -> None:  # noqa: ANN401 (any aggregate's module)
    """Write one event that nothing here brings about yet."""

    def decide(load: Loading) -> list[Change]:
        load(of, stream)
        return [Change(stream=stream, event=event, subject=subject)]

    services = ledger.services
    services.ledger.transact(new_id(), decide, context=services.context(administrator(ledger)))


def live(ledger: Installation, directory: Path) -> Household:
    """Let everything happen to one household that its streams may hold, the erasure aside."""
    services, actor = ledger.services, administrator(ledger)
    meters = town(7, 1)
    home = settle(
        ledger, meters[0].number, categories=(Category.DAILY_INDEX, Category.MAXIMUM_POWER)
    )
    whose = home.account
    for path in write_nights(directory / "nights", meters, NIGHTS):
        take(ledger, path)
    first, second = home.consents
    for event in (sample(MeterAttested), sample(ContractFactsReceived)):
        write(ledger, meter, home.meter, event, whose)
    running = collection_id(first, Channel.SGE)
    for kind in (CollectionSuspended, CollectionResumed):
        about = msgspec.structs.replace(sample(kind), consent=first)
        write(ledger, collection, running, about, whose)
    extended = msgspec.structs.replace(
        sample(ConsentExtended), consent=first, last_day=date(2032, 1, 1)
    )
    write(ledger, consent, first, extended, whose)
    consenting.withdraw_consent(services, first, origin=Origin.RESIDENT)
    write(
        ledger,
        consent,
        second,
        msgspec.structs.replace(sample(ConsentExpired), consent=second),
        whose,
    )
    consenting.refuse_consent(services, whose, home.meter, wish())
    erasure.request(services, whose, actor)
    seeing.requester(services, whose, actor)
    answering.hold(services, whose, actor, reason="a court asked")
    answering.lift(services, whose, actor)
    erasure.check_identity(services, whose, actor, means="seen")
    answering.take_back(services, whose)
    erasure.request(services, whose, actor)
    answering.refuse(services, whose, actor, reason="somebody else's")
    for _ in range(2):  # the second is the first one, asked again
        past.request(services, whose, home.meter)
    write(ledger, meter, home.meter, sample(MeterMovedOut), whose)
    write_letters(services, ledger.cursors)
    ledger.shown.catch_up()
    return home


@pytest.fixture
def life(ledger: Installation, tmp_path: Path) -> Life:
    home = live(ledger, tmp_path)
    seen = viewing.overview(ledger.services, home.account)
    exported = json.loads(document(site_of(ledger), seen))
    return Life(home, exported, list(dossier.streams_of(ledger.services, home.account)))


def said_in(exported: dict[str, Any]) -> Said:
    """What an export says, by the stored type that says it."""
    found: Said = {}
    for event in exported["history"]:
        found.setdefault(event["type"], []).append(event["said"])
    for one in exported["consents"]:
        for held in one.get("readings", ()):
            found.setdefault(held["kind"], []).append(held["reading"])
    return found


def has(said: Any, path: str) -> bool:  # noqa: ANN401 (any JSON)
    """Whether a member is there, a nested one in each of a list."""
    name, _, rest = path.partition(".")
    if isinstance(said, list):
        return bool(said) and all(has(one, path) for one in said)
    return name in said and (not rest or has(said[name], rest))


def test_every_personal_field_of_the_log_is_in_the_export_or_has_a_reason(life: Life) -> None:
    said = said_in(life.exported)
    absent = set()
    for entry in REGISTRY:
        if entry.place is Place.SEALED and entry.category in PERSONAL:
            for name in entry.fields:
                exported = any(has(one, name) for one in said.get(entry.holder, ()))
                wanted = given(entry, name) is Given.EXPORTED
                if entry.holder not in NOT_BROUGHT and exported is not wanted:
                    absent.add((entry.holder, name))
    assert absent == set()
    assert not NOT_BROUGHT & said.keys(), "it is brought now: take it out of NOT_BROUGHT"


def test_the_exceptions_are_those_that_the_page_gives_reasons_for() -> None:
    for entry in REGISTRY:
        for name in entry.fields:
            assert (given(entry, name) is None) == (entry.category not in PERSONAL)
    assert {name for _, name in OTHERS} == dossier.NOT_GIVEN


def test_what_was_given_is_unreadable_after_the_erasure_in_every_place(
    ledger: Installation, place: Home, life: Life
) -> None:
    services, actor, whose = ledger.services, administrator(ledger), life.home.account
    seen = viewing.overview(services, whose)
    before = [list(rows(services, seen).rows) for rows in (consumption, readings)]
    assert all(before)
    erasure.request(services, whose, actor)
    erasure.check_identity(services, whose, actor, means="seen")
    erasure.validate(services, whose, actor)
    erasure.erase(services, whose, actor)
    ledger.shown.catch_up()

    stored = services.ledger.recorder.select_many(life.streams)
    every = [event for events in stored.values() for event in events]
    opened = [one for one in services.ledger.mapper.open_all(every) if isinstance(one, Opened)]
    legible = {one.leaf.type for one in opened if not isinstance(one.event, Redacted)}
    public = {entry.holder for entry in REGISTRY if entry.place is Place.PUBLIC}
    sealed = {entry.holder for entry in REGISTRY if entry.place is Place.SEALED}
    assert legible <= public - sealed, "the erasure's own steps alone"
    assert {event["type"] for event in life.exported["history"]} <= {
        one.leaf.type for one in opened if isinstance(one.event, Redacted)
    }
    for given_consent in life.home.consents:
        shown = show(ledger.ledger.folder, ledger.keyhole, given_consent)
        assert (shown.erased, shown.series) == (len(NIGHTS), INITIAL)
    with pytest.raises(NothingHere):
        viewing.overview(services, whose)
    for rows in (consumption, readings):  # nor by somebody who was looking meanwhile
        with pytest.raises(NothingHere):
            list(rows(services, seen).rows)
    assert services.keys.keys_of(whose) == {}
    assert services.keys.ids_of(whose) == set()
    ids = [whose, *life.streams]
    with psycopg.connect(place.database or "") as connection:
        for table, column in (
            ("standing", "account"),
            ("slips", "consent"),
            ("pages", "consent"),
            ("lasting", "consent"),
        ):
            query = sql.SQL("select count(*) from projection_1.{} where {} = any(%s)")
            named = query.format(sql.Identifier(table), sql.Identifier(column))
            left = connection.execute(named, (ids,)).fetchone()
            assert left == (0,), table


def test_who_looks_at_their_history_reads_no_member_of_the_staff(life: Life) -> None:
    checks = said_in(life.exported)["ErasureIdentityChecked.v1"]
    assert checks == [{"request": checks[0]["request"], "means": "seen"}]
    assert all(one["role"] for one in life.exported["history"])
