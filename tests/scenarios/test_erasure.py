"""R26: what is left of a person who was erased, in every byte that the installation keeps."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from application.collection_run import KEPT
from application.notices import acknowledge
from application.upkeep import look_after
from domain.errors import Corrupt
from keys.gate import EpochKeyMissing
from keys.keyring import FileKeyring
from keys.store import KeyStore
from metroledger.bootstrap import administrator
from metroledger.cli.audits import subject_of
from metroledger.cli.collecting import box_of
from metroledger.post import outbox_of
from proofs.check import check_tiles
from proofs.receipt import verify_receipt
from proofs.signing import Verifier
from replay.as_of import state_as_of
from tests.scenarios.canaries import SHORTEST, forms, search
from tests.scenarios.erasing import (
    CANARIES,
    EMAIL,
    INDEXES,
    METER,
    NAME,
    NIGHTS,
    PASSWORD,
    SECOND,
    TOWN,
    Life,
    Seen,
    ask_at_the_desk,
    canaries_in,
    erase_at_work,
    forge_epoch,
    give_present_keyring,
    kept_up,
    key_ids_of_all,
    live,
    lives,
    see,
    wrapped_keys,
)
from tests.scenarios.opening import (
    DROPBOX,
    NOTICES,
    OUTBOX,
    OWN_DAYS,
    PARKED,
    opened_texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.watching import Watch
    from tests.application.world import Household, Place

pytestmark = pytest.mark.timeout(600)  # a whole life, beside whatever else the machine does
ERASED_WITHIN_S: Final = 60
SILENT_WITHIN_S: Final = 1.0
HELD: Final = 2 * NIGHTS
"""Readings of the one who is erased: two meters'."""


@dataclass(frozen=True, slots=True)
class Story:
    """A life and its end: what was seen before and after, and the copy taken between."""

    life: Life
    leaving: Household
    staying: Household
    before: Seen
    after: Seen
    copy: Place
    found_before: list[tuple[str, str]]
    found_after: list[tuple[str, str]]
    watch: Watch
    erased_in_s: float


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with lives() as life:
        leaving, staying = live(life)
        ask_at_the_desk(life, leaving)
        before = see(life.place, leaving, staying, life.others)
        found_before = canaries_in(life)
        copy = life.copy("copy")
        with kept_up(life.place):
            watch, took = erase_at_work(life, leaving)
            life.must("audit", "--open")
            life.run("consents", leaving.account)
            life.must("replay")
        found_after = canaries_in(life)
        after = see(life.place, leaving, staying, life.others)
        yield Story(
            life=life,
            leaving=leaving,
            staying=staying,
            before=before,
            after=after,
            copy=copy,
            found_before=found_before,
            found_after=found_after,
            watch=watch,
            erased_in_s=took,
        )


def test_the_erasure_ends_in_time(story: Story) -> None:
    assert story.erased_in_s < ERASED_WITHIN_S


def test_every_process_at_work_stops_answering_with_them_within_a_second(story: Story) -> None:
    watch = story.watch
    assert watch.answered_at.keys() >= {"/api/v1/account", "/api/v1/export"}, (
        "it was answered before"
    )
    assert watch.answered_s < SILENT_WITHIN_S
    after = Counter({status: n for (_, status), n in watch.answers.items()})
    assert after[401] > 0, "asked on after it, they answered that nobody is signed in"
    assert not any(status >= 500 for status in after)
    assert all(
        "metroledger_http_requests_total{" in story.life.said[f"metrics of portal {number}"]
        for number in (1, 2)
    ), "both workers were asked"


def test_not_one_canary_is_found_in_any_byte_before_or_after(story: Story) -> None:
    """Before it too: nothing of a person is in clear at rest, so nothing has to be hunted down.

    But for letters where no mail server takes them, which lie two days, as the manual says.
    """
    assert len(set(CANARIES)) == 50
    assert [place for place in story.found_before if not place[1].startswith("outbox/")] == []
    assert [place for place in story.found_after if not place[1].startswith("outbox/")] == []
    assert (EMAIL, "outbox/") in {(fact, place[:7]) for fact, place in story.found_after}


def test_what_is_sealed_held_every_one_of_them_before_and_none_after(story: Story) -> None:
    held = {
        place: {fact for fact in CANARIES if fact in text}
        for place, text in story.before.texts.items()
    }
    kept = {PASSWORD}  # as a hash alone
    assert set().union(*(held[place] for place in held.keys() - OWN_DAYS)) == set(CANARIES) - kept
    assert held[PARKED] == set(CANARIES)
    assert held[DROPBOX] >= {METER.number, *INDEXES}
    assert EMAIL in held[OUTBOX]
    noticed = {fact for fact in CANARIES if fact in story.after.texts[NOTICES]}
    assert noticed >= {METER.number, SECOND.number}, "sealed under its own key until acknowledged"
    assert not held[NOTICES]
    left = {
        place for place, text in story.after.texts.items() if any(fact in text for fact in CANARIES)
    }
    assert left <= OWN_DAYS


def test_what_has_days_of_its_own_is_gone_with_the_last_of_them(story: Story) -> None:
    """Letters after 2, operators' files after 7, parked ones after 30, an acknowledged notice."""
    place = story.life.copy_of(story.life.place, "later")
    settings = place.settings
    for path in (settings.outbox, settings.dropbox.place, settings.parked):
        for file in (one for one in path.rglob("*") if one.is_file()):
            os.utime(file, (0, 0))
    with place.open() as installation:
        outbox_of(settings).tidy()
        box_of(settings).empty(installation.clock() - KEPT)
        look_after(installation.services, installation.cursors)
        for one in installation.register.read().notices:
            acknowledge(installation.services, one, administrator(installation))
        texts = opened_texts(installation)
    assert not any(fact in text for fact in CANARIES for text in texts.values())
    assert story.life.seeker.search(place.home, {}) == []


def test_the_search_finds_what_is_there(story: Story) -> None:
    """The control: one form of each canary, planted in a file of its own."""
    trap = story.life.place.home.parent / "trap"
    trap.mkdir(exist_ok=True)
    for number, canary in enumerate(CANARIES):
        for place, form in enumerate(sorted(set(forms(canary)))):
            if len(form) >= SHORTEST:
                (trap / f"{number}-{place}").write_bytes(b"\0\1" + form + b"\2\3")
    found = {canary for canary, _ in search(trap, CANARIES, {})}
    places = {place for _, place in search(trap, CANARIES, {})}
    assert found == set(CANARIES)
    assert places == {path.name for path in trap.iterdir()}
    names = {place.partition("/")[0] for place in _places(story.life)}
    assert {"postgres", "public", "keys", "keyring", "parked", "destroyed"} <= names


def _places(life: Life) -> list[str]:
    home = life.place.home
    return [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]


def test_the_database_and_its_write_ahead_log_were_searched(story: Story) -> None:
    places = _places(story.life)
    assert any("/pg_wal/0000" in place for place in places)
    assert any("/base/" in place for place in places)


def test_the_erased_can_be_read_by_nobody_any_more(story: Story) -> None:
    assert (story.before.held, story.before.erased, story.before.name) == (HELD, 0, NAME)
    assert (story.after.held, story.after.erased, story.after.name) == (0, HELD, None)


def test_all_other_accounts_read_as_before(story: Story) -> None:
    assert story.after.neighbour == story.before.neighbour
    assert all(day.energy_wh is not None for day in story.after.neighbour)
    assert story.after.others == story.before.others
    assert {len(series.rows) for series in story.after.others.values()} == {NIGHTS}
    theirs = NIGHTS * (1 + len(TOWN))
    assert story.after.opened.opened == theirs, "the present store opens all of the others'"
    assert story.after.opened.erased == HELD


def test_the_audit_still_says_that_every_reading_was_covered(story: Story) -> None:
    for report in (
        story.before.closed,
        story.after.closed,
        story.before.opened,
        story.after.opened,
    ):
        taken = HELD + NIGHTS * (1 + len(TOWN))
        assert (report.readings, report.covered, report.findings) == (taken, taken, [])


def test_the_roots_of_before_are_unchanged_and_the_new_tree_extends_them(story: Story) -> None:
    settings = story.life.place.settings
    with story.life.place.open() as installation:
        again = state_as_of(subject_of(installation), story.before.size)
    assert again.root == story.before.root
    verifier = Verifier.decode(settings.verifying_key.read_text("ascii").strip())
    checked = check_tiles(settings.tiles, [verifier], journal=settings.checkpoints)
    assert checked.signed.checkpoint.size == story.after.size > story.before.size


@pytest.mark.parametrize("whose", ["leaving", "staying"])
def test_a_receipt_given_before_still_verifies_with_nothing_but_the_public_key(
    story: Story, whose: str
) -> None:
    key = story.life.place.settings.verifying_key.read_text("ascii").strip()
    proven = verify_receipt(story.life.receipts[whose], [Verifier.decode(key)])
    consent = getattr(story, whose).consents[0]
    assert proven.content.entry["consent"] == str(consent)
    assert proven.content.disclosed


def test_a_copy_of_everything_taken_before_opens_all(story: Story) -> None:
    """The control, and what the epochs are for: its own epoch key makes an old copy readable."""
    home = story.life.copy_of(story.copy, "control")
    seen = see(home, story.leaving, story.staying)
    assert (seen.held, seen.erased, seen.name) == (HELD, 0, NAME)
    assert (seen.opened.opened, seen.opened.findings) == (story.before.opened.opened, [])


def test_with_the_present_keyring_that_copy_does_not_even_open(story: Story) -> None:
    home = story.life.copy_of(story.copy, "present-keyring")
    give_present_keyring(home, story.life.place)
    with pytest.raises(EpochKeyMissing), home.open():
        pass
    said = home.run("audit", "--open")
    assert (said.code, said.out) == (1, "")


def test_and_forged_to_the_present_epoch_it_opens_not_one_key(story: Story) -> None:
    home = story.life.copy_of(story.copy, "forged")
    give_present_keyring(home, story.life.place)
    forge_epoch(home)
    opened, ids = 0, key_ids_of_all(home)
    settings = home.settings
    with KeyStore.open(
        settings.keys, keyring=FileKeyring(settings.keyring), journal=settings.destroyed
    ) as keys:
        for one in ids:
            try:
                opened += len(keys.fetch([UUID(bytes=one)]))
            except Corrupt:
                continue
    assert len(ids) > 4
    assert opened == 0


def test_no_wrapped_key_and_no_epoch_key_of_then_is_left_in_any_file(story: Story) -> None:
    wrapped = wrapped_keys(story.copy, story.leaving.account)
    (epoch,) = FileKeyring(story.copy.settings.keyring).epochs()
    home = story.life.place.home
    contents = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert len(wrapped) > 2
    assert not [one for one in (*wrapped, epoch.secret) if any(one in text for text in contents)]
    kept = [path.read_bytes() for path in story.copy.home.rglob("*") if path.is_file()]
    assert all(any(one in text for text in kept) for one in wrapped), "they are in the copy"
