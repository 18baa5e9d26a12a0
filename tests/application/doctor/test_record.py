"""What the doctor finds in a ledger: a real one, with a real thing wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from adapters.dso.enedis.crypto import Keyring
from adapters.dso.enedis.series import town
from application import consenting, offices
from application.doctor import record
from application.doctor.finding import Finding, State, examine
from application.notifying import see_to_notices
from application.services import new_id
from application.tally import Tally
from domain.aggregates.consent import Origin
from metroledger.bootstrap import administrator
from metroledger.cli.files import ingest_file
from projections.requests import Request
from tests.application.test_notices import erase
from tests.application.world import settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Place, Site

NUMBER = "12345678901234"


def tally_of(ledger: Installation) -> Tally:
    tally = Tally(frozenset())
    assert tally.read(ledger.store)
    return tally


def found(look: Callable[[], Finding]) -> Finding:
    return examine("check", look)


def test_a_ledger_is_in_order(ledger: Installation) -> None:
    settings, now = ledger.settings, ledger.clock()
    assert record.log_is_ours(ledger.ledger.folder).state is State.OK
    assert record.tree(ledger.publisher, ledger.store).state is State.OK
    published = ledger.publisher.published()
    checked = record.checkpoints(settings.checkpoints, ledger.verifier, published)
    assert checked.state is State.OK
    assert record.key_store(ledger.keys).state is State.OK
    assert record.shown(ledger.shown).state is State.OK
    assert record.readable(ledger.shown).state is State.OK
    assert record.agreements(ledger.register.read(), now).state is State.OK


def test_a_notice_that_letters_alone_do_not_settle_is_told(ledger: Installation) -> None:
    def finding() -> Finding:
        return record.notices(ledger.register.read().notices.values())

    erase(ledger, settle(ledger, NUMBER))
    assert finding().state is State.OK
    see_to_notices(ledger.services, {})
    told = finding()
    assert (told.state, told.page) == (State.WARN, "erasures")
    assert told.says == "of 1 notices of erasures 1 need a person: 1 no_address"


def test_a_log_whose_tail_was_cut_off_is_broken(place: Place, ledger: Installation) -> None:
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("alter table log disable trigger append_only")
        admin.execute('delete from log where "offset" = (select max("offset") from log)')
    assert found(lambda: record.log_is_ours(ledger.ledger.folder)).state is State.BROKEN


def test_a_tree_that_is_behind_the_checkpoint_is_broken(place: Place, site: Site) -> None:
    older = site.copy(place)
    with place.open() as installation:
        settle(installation, NUMBER)
        publisher = installation.publisher
        with older.open() as restored:
            finding = found(lambda: record.tree(publisher, restored.store))
    site.drop(older)
    assert finding.state is State.BROKEN
    assert "restored from a backup" in finding.says


@pytest.mark.parametrize("damage", [b"", b"torn"])
def test_a_journal_of_checkpoints_that_is_not_whole_is_broken(
    ledger: Installation, damage: bytes
) -> None:
    published = ledger.publisher.published()
    path = ledger.settings.checkpoints
    path.write_bytes(path.read_bytes() + damage if damage else b"")
    finding = found(lambda: record.checkpoints(path, ledger.verifier, published))
    assert finding.state is State.BROKEN


def test_a_journal_whose_checkpoints_shrink_is_broken(ledger: Installation) -> None:
    settle(ledger, NUMBER)
    published = ledger.publisher.published()
    path = ledger.settings.checkpoints
    path.write_bytes(path.read_bytes() * 2)
    finding = found(lambda: record.checkpoints(path, ledger.verifier, published))
    assert finding.state is State.BROKEN
    assert "follows one of" in finding.says


def test_a_key_store_from_a_backup_is_told(place: Place) -> None:
    with place.open() as installation:
        household = settle(installation, NUMBER)
        copy = (place.settings.keys / "keys.sqlite").read_bytes()
        ids = installation.keys.keys_of(household.account).values()
        installation.keys.destroy(ids, installation.clock())
    (place.settings.keys / "keys.sqlite").write_bytes(copy)
    with place.open() as installation:
        finding = record.key_store(installation.keys)
    assert finding.state is State.WARN
    assert f"{len(ids)} keys were destroyed again" in finding.says


def test_an_event_that_cannot_be_shown_is_broken(place: Place, ledger: Installation) -> None:
    settle(ledger, NUMBER)
    with psycopg.connect(place.database or "", autocommit=True) as admin:
        admin.execute("alter table log disable trigger append_only")
        admin.execute(
            "update log set record = set_byte(record, length(record) - 1,"
            " get_byte(record, length(record) - 1) # 1)"
            ' where "offset" = (select max("offset") from log)'
        )
    projector = ledger.shown.rebuild()
    finding = record.readable(projector)
    assert finding.state is State.BROKEN
    assert "1 accepted events cannot be shown" in finding.says
    assert record.shown(projector).state is State.OK


def test_agreements_that_end_soon_or_have_ended_are_told(ledger: Installation) -> None:
    contents, now = ledger.register.read(), ledger.clock()
    late = datetime(2099, 12, 1, tzinfo=UTC)
    assert "enedis on 2099-12-31" in record.agreements(contents, late).says
    (agreement,) = contents.agreements
    offices.end_agreement(ledger.services, administrator(ledger), agreement, "tests")
    ended = record.agreements(ledger.register.read(), now)
    assert ended.state is State.WARN
    assert "none is in force" in ended.says


def test_a_consent_that_lapsed_unrecorded_is_counted_until_it_is_recorded(
    ledger: Installation,
) -> None:
    settle(ledger, NUMBER)
    now = ledger.clock()
    assert record.consents(tally_of(ledger), now).state is State.OK
    later = now + timedelta(days=4 * 366)
    finding = record.consents(tally_of(ledger), later)
    assert finding.state is State.WARN
    assert finding.says.startswith("1 are over")


def test_a_consent_that_was_withdrawn_does_not_lapse(ledger: Installation) -> None:
    household = settle(ledger, NUMBER)
    consenting.withdraw_consent(ledger.services, household.consents[0], origin=Origin.RESIDENT)
    later = ledger.clock() + timedelta(days=4 * 366)
    assert record.consents(tally_of(ledger), later).state is State.OK


def test_deliveries_that_stop_or_cannot_be_read_are_told(
    ledger: Installation, tmp_path: Path
) -> None:
    now = ledger.clock()
    assert record.deliveries(tally_of(ledger), now).state is State.WARN
    (broken := tmp_path / "ERDF_R151_broken.zip").write_bytes(b"no file of anybody")
    ingest_file(ledger.services, Keyring(keys=()), broken)
    finding = record.deliveries(tally_of(ledger), now)
    assert finding.state is State.BROKEN
    assert "none could be read yet" in finding.says
    (meter,) = town(7, 1)
    settle(ledger, meter.number)
    (night,) = write_nights(tmp_path / "files", [meter], [date(2026, 11, 24)])
    take(ledger, night)
    assert record.deliveries(tally_of(ledger), now).state is State.OK
    assert record.deliveries(tally_of(ledger), now + timedelta(days=5)).state is State.WARN


def test_requests_that_wait_too_long_and_erasures_that_stop_are_told() -> None:
    asked = datetime(2026, 11, 2, 12, tzinfo=UTC)
    waiting = Request(new_id(), asked)
    validated = waiting._replace(validated_at=asked)

    def state(request: Request, now: datetime) -> State:
        return record.erasures([request], now).state

    assert record.erasures([], asked).state is State.OK
    assert state(waiting, asked + timedelta(days=22)) is State.OK
    assert state(waiting, asked + timedelta(days=23)) is State.WARN
    assert state(waiting, asked + timedelta(days=30)) is State.WARN
    assert state(waiting, asked + timedelta(days=31)) is State.BROKEN
    assert state(validated, asked + timedelta(minutes=59)) is State.OK
    assert state(validated, asked + timedelta(minutes=61)) is State.BROKEN


def test_a_clock_behind_the_ledgers_hours_is_broken(ledger: Installation, tmp_path: Path) -> None:
    (broken := tmp_path / "ERDF_R151_broken.zip").write_bytes(b"no file of anybody")
    ingest_file(ledger.services, Keyring(keys=()), broken)
    tally = tally_of(ledger)
    assert record.hours(tally, ledger.clock()).state is State.OK
    assert record.hours(tally, ledger.clock() - timedelta(hours=3)).state is State.BROKEN
