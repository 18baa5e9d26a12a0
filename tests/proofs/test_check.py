"""The full check: it finds every flipped byte, every missing file, every foreign file."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from domain.errors import Corrupt, Malformed
from proofs.check import check_tiles
from proofs.checkpoint import Checkpoint, sign_checkpoint
from proofs.journal import Journal, JournalDamaged
from proofs.tiles import TileDamaged
from tests.proofs.support import ORIGIN, SIGNER, VERIFIERS, CommittedTree, Site, entries

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = entries(1_000)


@pytest.fixture
def small(tmp_path: Path) -> Site:
    """Ten checkpoints, twenty tiles and bundles: one of each for every size."""
    site = Site(tmp_path)
    publisher = site.publisher()
    for size in range(1, 11):
        publisher.publish(CommittedTree(LEAVES[:size]))
    return site


@pytest.fixture
def large(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    publisher = site.publisher()
    for size in (100, 500, 800):
        publisher.publish(CommittedTree(LEAVES[:size]))
    return site


def refuses(site: Site, path: Path, data: bytes) -> None:
    kept = path.read_bytes()
    path.write_bytes(data)
    with pytest.raises((Malformed, Corrupt)):
        check_tiles(
            site.directory,
            VERIFIERS,
            journal=site.journal if path == site.journal else None,
        )
    path.write_bytes(kept)


def test_a_whole_directory_is_found_whole(small: Site) -> None:
    checked = check_tiles(small.directory, VERIFIERS, journal=small.journal)
    assert checked.signed.checkpoint.size == checked.checkpoints == 10
    assert checked.files == 20
    assert checked.ahead == ()
    assert check_tiles(small.directory, VERIFIERS).checkpoints == 0


def test_every_byte_of_twenty_tiles_and_the_checkpoint_counts(small: Site) -> None:
    paths = small.files()
    assert len(paths) == 21
    for path in [*paths, small.journal]:
        whole = path.read_bytes()
        for at in range(0, len(whole), 5 if path == small.journal else 1):
            flipped = bytearray(whole)
            flipped[at] ^= 1 << (at % 8)
            refuses(small, path, bytes(flipped))
    check_tiles(small.directory, VERIFIERS, journal=small.journal)


def test_any_byte_of_full_tiles_counts_and_so_does_the_length(large: Site) -> None:
    chance = random.Random(1)
    for path in large.files():
        whole = path.read_bytes()
        for at in chance.sample(range(len(whole)), 6):
            refuses(large, path, whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :])
        for changed in (whole + b"\0", whole[:-1], b"", whole + whole[:32]):
            refuses(large, path, changed)


def test_every_missing_file_is_missed(large: Site) -> None:
    for path in large.files():
        kept = path.read_bytes()
        path.unlink()
        # The wider partial tile of an older checkpoint may not be asked for again.
        if path.parent.name.endswith(".p") and path.name not in {"32", "3"}:
            check_tiles(large.directory, VERIFIERS, journal=large.journal)
        else:
            with pytest.raises(TileDamaged, match="missing"):
                check_tiles(large.directory, VERIFIERS, journal=large.journal)
        path.write_bytes(kept)


@pytest.mark.parametrize(
    "name",
    [
        "other",
        "tile/0/1",
        "tile/8/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/x000/001",
    ],
)
def test_a_file_that_no_log_has_is_refused(small: Site, name: str) -> None:
    path = small.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(TileDamaged):
        check_tiles(small.directory, VERIFIERS, journal=small.journal)


def test_files_ahead_of_the_newest_checkpoint_are_named_and_not_vouched_for(small: Site) -> None:
    for name in ("tile/0/000.p/11", "tile/entries/000", "tile/1/000.p/1"):
        path = small.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"anything")
    checked = check_tiles(small.directory, VERIFIERS, journal=small.journal)
    assert len(checked.ahead) == 3


def test_a_signed_checkpoint_of_another_history_in_the_journal_is_found(small: Site) -> None:
    notes = list(Journal(small.journal).notes())
    other = Checkpoint(origin=ORIGIN, size=5, root=CommittedTree(LEAVES[5:10]).root)
    notes[4] = sign_checkpoint(other, SIGNER).note
    _write(small, notes)
    with pytest.raises(TileDamaged, match="signed for 5"):
        check_tiles(small.directory, VERIFIERS, journal=small.journal)


def test_a_journal_out_of_order_or_without_its_end_is_found(small: Site) -> None:
    notes = list(Journal(small.journal).notes())
    for changed in (notes[:-1], [*notes[:3], notes[4], notes[3], *notes[5:]], [*notes, notes[-1]]):
        _write(small, changed)
        with pytest.raises(JournalDamaged):
            check_tiles(small.directory, VERIFIERS, journal=small.journal)


def _write(site: Site, notes: list[bytes]) -> None:
    site.journal.unlink()
    for note in notes:
        Journal(site.journal).append(note)
