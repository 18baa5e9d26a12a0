"""The publisher: what becomes public, in what order, and what a crash leaves behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from proofs.check import check_tiles
from proofs.checkpoint import Checkpoint, open_checkpoint
from proofs.journal import Journal, JournalDamaged
from proofs.merkle import leaf_hash, nodes_of, prove_consistency, verify_consistency
from proofs.note import NoteUnsigned
from proofs.publication import Publisher, TreeBehind, TreeForked
from proofs.signing import KeyKind, SignatureRefuted, Signer
from proofs.tiles import TileDamaged, all_tiles
from tests.proofs.support import (
    REPOSITORY,
    SIGNER,
    VERIFIERS,
    CommittedTree,
    Site,
    entries,
    entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEAVES = entries(2_000)


class Crash(BaseException):
    """The power is cut: nothing of ours may catch it."""


def tree(size: int) -> CommittedTree:
    return CommittedTree(LEAVES[:size])


def forked(size: int, at: int) -> CommittedTree:
    return CommittedTree([*LEAVES[:at], b"another history", *LEAVES[at + 1 : size]])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def check(site: Site) -> int:
    checked = check_tiles(site.directory, VERIFIERS, journal=site.journal)
    return checked.signed.checkpoint.size


def promises(site: Site) -> list[Checkpoint]:
    notes = Journal(site.journal).notes()
    return [open_checkpoint(note, VERIFIERS).checkpoint for note in notes]


def test_an_empty_tree_is_published_as_such(site: Site) -> None:
    publisher = site.publisher()
    assert publisher.published() is None
    publisher.check_extends(tree(0))
    assert publisher.publish(tree(0)).checkpoint.size == 0
    assert check(site) == 0


@pytest.mark.parametrize("batch", [1, 100, 256, 257, 700])
def test_a_tree_published_in_portions_has_the_files_of_its_size(site: Site, batch: int) -> None:
    publisher = site.publisher()
    sizes = range(batch, min(batch * 300, 1_400) + 1, batch)
    for size in sizes:
        publisher.publish(tree(size))
    last = sizes[-1]
    assert check(site) == last
    paths = {path.relative_to(site.directory).as_posix() for path in site.files()}
    assert {tile.path for tile in all_tiles(last)} <= paths
    assert [promise.size for promise in promises(site)] == list(sizes)


def test_partial_tiles_of_each_checkpoint_stay_until_the_full_tile_is_there(site: Site) -> None:
    publisher = site.publisher()
    for size in (3, 200, 255):
        publisher.publish(tree(size))
    tiles = site.directory / "tile"
    for level in ("0", "entries"):
        widths = [path.name for path in (tiles / level / "000.p").iterdir()]
        assert sorted(widths) == ["200", "255", "3"]
    publisher.publish(tree(258))
    assert not (tiles / "0" / "000.p").exists()
    assert (tiles / "0" / "001.p" / "2").exists()
    assert (tiles / "1" / "000.p" / "1").exists()
    assert check(site) == 258


def test_publishing_the_same_tree_again_writes_nothing(site: Site) -> None:
    first = site.publisher().publish(tree(10))
    before = {path: path.stat().st_mtime_ns for path in [*site.files(), site.journal]}
    assert site.publisher().publish(tree(10)) == first
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_tree_that_is_behind_is_answered_with_the_published_one(site: Site) -> None:
    site.publisher().publish(tree(20))
    assert site.publisher().publish(tree(15)).checkpoint.size == 20
    assert len(promises(site)) == 1


def test_a_publisher_notices_that_another_has_published(site: Site) -> None:
    one, other = site.publisher(), site.publisher()
    for size in range(7, 700, 14):
        one.publish(tree(size))
        other.publish(tree(size + 7))
    assert check(site) == promises(site)[-1].size == 700


def test_at_start_a_restored_backup_is_told_and_signs_nothing(site: Site) -> None:
    site.publisher().publish(tree(20))
    with pytest.raises(TreeBehind, match="restored from a backup"):
        site.publisher().check_extends(tree(19))
    site.publisher().check_extends(tree(20))
    site.publisher().check_extends(tree(900))
    assert len(promises(site)) == 1


@pytest.mark.parametrize("fork", [0, 10, 255, 299])
@pytest.mark.parametrize("size", [300, 301, 1_100])
def test_another_history_is_never_signed(site: Site, size: int, fork: int) -> None:
    site.publisher().publish(tree(300))
    before = {path: path.read_bytes() for path in [*site.files(), site.journal]}
    for publisher in (site.publisher(), site.publisher()):
        with pytest.raises(TreeForked):
            publisher.publish(forked(size, fork))
        with pytest.raises(TreeForked):
            publisher.check_extends(forked(size, fork))
    assert {path: path.read_bytes() for path in before} == before
    visible = [path for path in site.files() if ".staging" not in path.parts]
    assert set(visible) == set(before) - {site.journal}
    site.publisher().publish(tree(400))
    assert check(site) == 400


def test_a_tree_that_gives_fewer_entries_than_it_claims_is_not_signed(site: Site) -> None:
    short = tree(30)
    short.size = 31
    with pytest.raises(TreeForked):
        site.publisher().publish(short)


def test_a_directory_of_another_key_is_not_taken_over(site: Site) -> None:
    site.publisher().publish(tree(5))
    stranger = Signer(name=SIGNER.name, kind=KeyKind.ED25519, seed=bytes([8]) * 32)
    with pytest.raises(NoteUnsigned):
        Publisher(site.directory, stranger).publish(tree(6))


def test_damaged_tiles_are_noticed_at_the_next_start_and_nothing_is_signed(site: Site) -> None:
    site.publisher().publish(tree(300))
    path = site.directory / "tile" / "0" / "001.p" / "44"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(TileDamaged):
        site.publisher().publish(tree(301))
    path.unlink()
    with pytest.raises(TileDamaged, match="missing"):
        site.publisher().publish(tree(301))
    assert len(promises(site)) == 1


def test_a_promise_that_was_not_made_public_is_made_public_first(site: Site) -> None:
    publisher = site.publisher()
    publisher.publish(tree(10))
    public = (site.directory / "checkpoint").read_bytes()
    newest = publisher.publish(tree(300))
    (site.directory / "checkpoint").write_bytes(public)
    assert site.publisher().published() == newest
    assert (site.directory / "checkpoint").read_bytes() == newest.note
    (site.directory / "checkpoint").unlink()
    with pytest.raises(TreeBehind):
        publisher.check_extends(tree(299))
    assert check(site) == 300


def test_a_public_checkpoint_that_a_power_cut_tore_is_written_again(site: Site) -> None:
    publisher = site.publisher()
    before = publisher.publish(tree(10)).note
    newest = publisher.publish(tree(300))
    public = site.directory / "checkpoint"
    for note in (before, newest.note):
        for end in range(len(note)):
            for torn in (note[:end], note[:end] + bytes(len(note) - end)):
                public.write_bytes(torn)
                assert site.publisher().published() == newest
                assert public.read_bytes() == newest.note


def test_a_public_checkpoint_that_is_many_promises_old_is_in_order_for_who_checks_a_copy(
    site: Site,
) -> None:
    publisher = site.publisher()
    old = publisher.publish(tree(10)).note
    for size in (11, 12, 300):
        publisher.publish(tree(size))
    (site.directory / "checkpoint").write_bytes(old)
    assert check(site) == 10


def test_a_public_checkpoint_that_was_altered_is_not_taken_for_a_torn_one(site: Site) -> None:
    site.publisher().publish(tree(10))
    public = site.directory / "checkpoint"
    public.write_bytes(public.read_bytes().replace(b"\n10\n", b"\n11\n"))
    with pytest.raises(SignatureRefuted):
        site.publisher().published()


def test_a_torn_tail_of_the_journal_is_cut_off_wherever_it_is_torn(site: Site) -> None:
    publisher = site.publisher()
    publisher.publish(tree(10))
    whole = site.journal.read_bytes()
    public = (site.directory / "checkpoint").read_bytes()
    publisher.publish(tree(11))
    torn = site.journal.read_bytes()
    for end in range(len(whole) + 1, len(torn)):
        for tail in (torn[:end], torn[:end] + bytes(len(torn) - end), whole + bytes(end)):
            site.journal.write_bytes(tail)
            (site.directory / "checkpoint").write_bytes(public)
            published = site.publisher().published()
            assert published is not None
            assert published.checkpoint.size == 10
            assert site.journal.read_bytes() == whole


def test_a_journal_that_lacks_the_public_checkpoint_stops_everything(site: Site) -> None:
    publisher = site.publisher()
    publisher.publish(tree(10))
    publisher.publish(tree(11))
    data = site.journal.read_bytes()
    for broken in (data[:-1], data[: len(data) // 2], b"", data[:-1] + b"x"):
        site.journal.write_bytes(broken)
        with pytest.raises(JournalDamaged):
            site.publisher().publish(tree(12))
    site.journal.unlink()
    with pytest.raises(JournalDamaged):
        site.publisher().check_extends(tree(12))


class PowerCut:
    """Cuts the power at the n-th call that changes the disk; a write is cut in half."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.at = 0, 0
        for name in ("fsync", "rename", "mkdir", "write", "unlink", "truncate"):
            monkeypatch.setattr(os, name, self._cutting(getattr(os, name), half=name == "write"))

    def _cutting(self, real: Callable[..., int], *, half: bool) -> Callable[..., int]:
        def call(*args: object, **options: object) -> int:
            self.calls += 1
            if self.calls == self.at:
                if half:
                    descriptor, data = args
                    real(descriptor, data[: len(data) // 2])  # type: ignore[index, arg-type] # the data of a write
                raise Crash
            return real(*args, **options)

        return call


def test_a_crash_at_any_step_loses_no_promise_and_forks_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin = Site(tmp_path / "origin")
    (tmp_path / "origin").mkdir()
    origin.publisher().publish(tree(250))
    cut = PowerCut(monkeypatch)
    rehearsal = origin.copy(_made(tmp_path / "rehearsal")).publisher()
    cut.calls = 0
    rehearsal.publish(tree(530))
    steps = cut.calls
    assert steps > 20
    for step in range(1, steps + 1):
        site = origin.copy(_made(tmp_path / str(step)))
        publisher = site.publisher()
        cut.calls, cut.at = 0, step
        with pytest.raises(Crash):
            publisher.publish(tree(530))
        cut.at = 0
        again = site.publisher()
        found = again.published()
        assert found is not None
        assert found.checkpoint.size in (250, 530)
        again.check_extends(tree(540))
        assert again.publish(tree(540)).checkpoint.size == 540
        assert check(site) == 540


def _made(home: Path) -> Path:
    home.mkdir()
    return home


@pytest.mark.parametrize("seed", range(12))
def test_all_checkpoints_of_any_history_of_crashes_are_consistent_with_each_other(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    chance = random.Random(seed)
    cut = PowerCut(monkeypatch)
    site.directory.mkdir()
    publisher, size, seen = site.publisher(), 0, set[bytes]()
    for _ in range(30):
        size = min(size + chance.choice([0, 1, 2, 30, 255, 256, 257]), len(LEAVES))
        cut.calls, cut.at = 0, chance.choice([0, 0, chance.randrange(1, 40)])
        try:
            seen.add(publisher.publish(tree(size)).note)
        except Crash:
            cut.at = 0
            publisher = site.publisher()
        if (site.directory / "checkpoint").exists():
            seen.add((site.directory / "checkpoint").read_bytes())
    cut.at = 0
    site.publisher().publish(tree(size))
    check(site)
    assert seen <= set(Journal(site.journal).notes())
    _require_consistent(promises(site))


def _require_consistent(made: list[Checkpoint]) -> None:
    nodes = nodes_of([leaf_hash(leaf) for leaf in LEAVES[: made[-1].size]])
    for old, new in pairwise(promise for promise in made if promise.size):
        verify_consistency(
            prove_consistency(old.size, new.size, nodes),
            old_size=old.size,
            old_root=old.root,
            new_size=new.size,
            new_root=new.root,
        )


def start(site: Site, last: int, step: int) -> subprocess.Popen[str]:
    home = str(site.directory.parent)
    command = [sys.executable, "-m", "tests.proofs.publishing_process", home, str(last), str(step)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_two_processes_publish_one_history_taking_turns(site: Site) -> None:
    processes = [start(site, 600, 3), start(site, 600, 5)]
    answers = [[int(line) for line in process.communicate()[0].split()] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    for answered, step in zip(answers, (3, 5), strict=True):
        assert answered == sorted(answered)
        asked = range(step, 601, step)
        assert all(got >= size for got, size in zip(answered, asked, strict=True))
    assert check(site) == 600


@pytest.mark.chaos
@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.campaign)])
def test_a_publisher_that_is_killed_leaves_no_lock_and_no_broken_promise(
    site: Site,
    kills: int,
) -> None:
    chance = random.Random(20261125)
    for _ in range(kills):
        process = start(site, 1_999, 1)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = check_tiles(site.directory, VERIFIERS).signed.checkpoint.size
        found = site.publisher().published()
        assert found is not None
        assert found.checkpoint.size >= before
        assert check(site) == found.checkpoint.size
    _require_consistent(promises(site))


def test_an_entry_written_is_read_back_from_its_bundle(site: Site) -> None:
    site.publisher().publish(tree(2))
    bundle = (site.directory / "tile" / "entries" / "000.p" / "2").read_bytes()
    one, two = entry(0), entry(1)
    assert bundle == len(one).to_bytes(2, "big") + one + len(two).to_bytes(2, "big") + two
