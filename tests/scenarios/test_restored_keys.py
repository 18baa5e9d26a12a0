"""A restore drill: whatever comes back from a backup, the erased stay erased from its opening on.

What to copy, and in which order to restore it, is docs/manual/restored-backup.md.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import erasure, residents
from keys.database import NotOurs
from keys.gate import EpochKeyMissing
from keys.journal import JournalBroken
from keys.redaction import KeyMissing
from keys.store import FILE_NAME
from metroledger.bootstrap import administrator
from projections.series import show
from proofs.publication import TreeBehind
from tests.application.world import SEED, Place, settle, settle_all, take, write_nights
from tests.scenarios.pieces import Sealed, opened, sealed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Site

METERS = town(SEED, 6)
DAYS = [date(2025, 3, day) for day in range(1, 5)]
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
OF_KEYS = ("keys", "keyring", "destroyed")


@dataclass(frozen=True, slots=True)
class Drill:
    """A ledger with a copy of its key store on another disk, and all of it before an erasure."""

    place: Place
    before: Place
    backup_before: Path
    leaving: Household
    theirs: list[Sealed]
    others: list[Sealed]

    @property
    def backup(self) -> Path:
        copy = self.place.settings.key_backup
        assert copy is not None
        return copy


@pytest.fixture
def drill(site: Site, place: Place, tmp_path: Path) -> Iterator[Drill]:
    copied = {"METROLEDGER_KEY_BACKUP": str(tmp_path / "disk" / FILE_NAME)}
    place = dataclasses.replace(place, also=copied)
    with place.open() as installation:
        leaving = settle_all(installation, METERS)[0]
        for night in write_nights(tmp_path / "nights", METERS, DAYS):
            take(installation, night)
        installation.keys.end_epoch(NOW)
        payloads = sealed_in(installation.log)
        gone = set(installation.keys.keys_of(leaving.account).values())
    before = site.copy(place)
    backup = shutil.copy(tmp_path / "disk" / FILE_NAME, tmp_path / "former")
    with place.open() as installation:
        erase(installation, leaving)
    yield Drill(
        place=place,
        before=before,
        backup_before=tmp_path / backup,
        leaving=leaving,
        theirs=[one for one in payloads if one.key in gone],
        others=[one for one in payloads if one.key not in gone],
    )
    site.drop(before)


def erase(installation: Installation, home: Household) -> None:
    services, actor = installation.services, administrator(installation)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, actor, means="in person")
    erasure.validate(services, home.account, actor)
    erasure.erase(services, home.account, actor)


def counts(installation: Installation, drill: Drill) -> tuple[int, int]:
    """How many payloads open of the erased, and of all others."""
    fetch = installation.keys.fetch
    return opened(drill.theirs, fetch), opened(drill.others, fetch)


def restore(source: Path, target: Path) -> None:
    """Put a file or a directory in the place of another."""
    if source.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def test_the_drill_begins_with_somebody_erased_and_all_others_readable(drill: Drill) -> None:
    assert len(drill.theirs) >= len(DAYS) + 2
    with drill.before.open() as installation:
        assert counts(installation, drill) == (len(drill.theirs), len(drill.others)), "the control"
    with drill.place.open() as installation:
        assert counts(installation, drill) == (0, len(drill.others))


def test_a_ledger_from_before_it_meets_the_present_key_store_and_opens_nothing_of_the_erased(
    drill: Drill,
) -> None:
    """Database, tiles and checkpoints of then, as a backup of the whole machine would bring."""
    for part in OF_KEYS:
        restore(drill.place.home / part, drill.before.home / part)
    with drill.before.open() as installation:
        assert counts(installation, drill) == (0, len(drill.others))
        with pytest.raises(KeyMissing):
            show(installation.ledger.folder, installation.keyhole, drill.leaving.consents[0])


def test_with_the_present_checkpoint_such_a_ledger_does_not_even_start(drill: Drill) -> None:
    for part in (*OF_KEYS, "public"):
        restore(drill.place.home / part, drill.before.home / part)
    restore(drill.place.settings.checkpoints, drill.before.settings.checkpoints)
    with pytest.raises(TreeBehind), drill.before.open():
        pass


def test_a_key_store_from_before_it_opens_nothing_and_says_what_is_needed(drill: Drill) -> None:
    restore(drill.backup_before, drill.place.settings.keys / FILE_NAME)
    with pytest.raises(EpochKeyMissing), drill.place.open():
        pass
    said = drill.place.run("doctor")
    assert "restore the copy that was made at the last epoch's end" in " ".join(said.out.split())


def test_the_copy_of_the_last_epochs_end_brings_everything_back_but_the_erased(
    drill: Drill,
) -> None:
    (drill.place.settings.keys / FILE_NAME).unlink()
    restore(drill.backup, drill.place.settings.keys / FILE_NAME)
    with drill.place.open() as installation:
        assert installation.keys.opening.keys_destroyed == 0
        assert counts(installation, drill) == (0, len(drill.others))


def test_what_was_destroyed_since_the_copy_is_destroyed_again_before_anything_is_answered(
    drill: Drill,
) -> None:
    """The epoch goes on, so the copy still opens: the journal alone knows."""
    dead = {drill.others[0].key}
    with drill.place.open() as installation:
        installation.keys.destroy(dead, NOW)
    left = [one for one in drill.others if one.key not in dead]
    restore(drill.backup, drill.place.settings.keys / FILE_NAME)
    with drill.place.open() as installation:
        assert installation.keys.opening.keys_destroyed == 1
        assert installation.keys.fetch(dead) == {}
        assert counts(installation, drill) == (0, len(left))


def test_keys_minted_since_the_copy_are_told_as_lost_and_never_as_erased(drill: Drill) -> None:
    with drill.place.open() as installation:
        newcomer = settle(installation, "30001112223334")
    restore(drill.backup, drill.place.settings.keys / FILE_NAME)
    with drill.place.open() as installation:
        assert counts(installation, drill) == (0, len(drill.others))
        with pytest.raises(KeyMissing, match="keys were lost"):
            erasure.request(
                installation.services, newcomer.account, residents.resident(newcomer.account)
            )


@pytest.mark.parametrize("journal", ["older", "absent", "another's"])
def test_without_its_present_journal_a_key_store_does_not_open(drill: Drill, journal: str) -> None:
    present = drill.place.settings.destroyed
    if journal == "older":
        restore(drill.before.settings.destroyed, present)
    else:
        present.unlink()
    if journal == "another's":
        present.write_text("metroledger journal of destroyed keys v1 " + "0" * 32 + "\n")
    with pytest.raises((JournalBroken, NotOurs), match="journal"), drill.place.open():
        pass
