"""The full check of a published directory: every byte of it, from the entries up.

Entries are hashed to tiles, tiles to the root, the root is compared with the
signature: nothing is believed because a file says so. Beyond what foreign tools
check (Tessera's fsck), lengths must be exact, older partial tiles must be the
beginnings of the newer ones, and every checkpoint of the kept journal must be a
state that this one tree has passed through, which makes all of them consistent
with each other.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path

from proofs.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from proofs.edge import Edge
from proofs.journal import Journal
from proofs.merkle import HASH_BYTES
from proofs.publication import CHECKPOINT, STAGING
from proofs.signing import Verifier
from proofs.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    TileDamaged,
    all_tiles,
    encode_bundle,
    read_entries,
    read_tile,
    rows_at,
    tile_at,
)

_PATH = re.compile(r"tile/(entries|[0-7])/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was checked and found whole.

    `files` counts tiles and bundles, older partial ones included; `checkpoints`
    the records of the journal, 0 if none was given; `ahead` are files beyond the
    newest checkpoint, left by an interrupted publication: nobody vouches for them.
    """

    signed: SignedCheckpoint
    files: int
    checkpoints: int
    ahead: tuple[str, ...]


def check_tiles(
    directory: Path,
    verifiers: Sequence[Verifier],
    *,
    journal: Path | None = None,
) -> Checked:
    """Check a directory of tiles against its signed checkpoint, and the journal if given.

    Reads every file once or twice; memory does not grow with the tree. Raises
    `TileDamaged` or `JournalDamaged`, naming the first file that is not as it
    must be, or what `open_checkpoint` raises.
    """
    signed = open_checkpoint(_read_checkpoint(directory), verifiers)
    promises = [signed.checkpoint]
    if journal is not None:
        promises = _read_journal(Journal(journal), verifiers, signed)
    size = promises[-1].size
    files = _check_tree(directory, promises)
    older, ahead = _check_leftovers(directory, size)
    return Checked(
        signed=signed,
        files=files + older,
        checkpoints=len(promises) if journal is not None else 0,
        ahead=ahead,
    )


def _read_checkpoint(directory: Path) -> bytes:
    try:
        return (directory / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        reason = "it is missing"
        raise TileDamaged(CHECKPOINT, reason) from None


def _read_journal(
    journal: Journal,
    verifiers: Sequence[Verifier],
    signed: SignedCheckpoint,
) -> list[Checkpoint]:
    """Return the journal's checkpoints, which must grow and hold the public one.

    That may be an older one: its file is not forced to the disk, and a power cut leaves it so
    until the ledger is opened next.
    """
    notes = list(journal.notes())
    if signed.note not in notes:
        journal.refuse("it does not hold the public checkpoint")
    promises = [open_checkpoint(note, verifiers).checkpoint for note in notes]
    for before, after in pairwise(promises):
        if before.size >= after.size or before.origin != after.origin:
            journal.refuse(f"a checkpoint of size {after.size} follows one of {before.size}")
    return promises


def _check_tree(directory: Path, promises: list[Checkpoint]) -> int:
    """Hash all entries up to the last promise; compare each root and each file passed."""
    edge, files, size = Edge(), 0, promises[-1].size
    entries = _entries(directory, size)
    for promise in promises:
        for tile, expected in edge.append(islice(entries, promise.size - edge.size)):
            files += _compare(directory, tile, expected)
        if edge.root() != promise.root:
            reason = f"the entries do not lead to the root that was signed for {promise.size}"
            raise TileDamaged(CHECKPOINT, reason)
    for tile, expected in edge.partial_files(0):
        files += _compare(directory, tile, expected)
    return files


def _entries(directory: Path, size: int) -> Iterator[bytes]:
    bundles = (tile for tile in all_tiles(size) if tile.level == ENTRIES)
    return chain.from_iterable(read_entries(directory, bundle) for bundle in bundles)


def _compare(directory: Path, tile: Tile, expected: bytes) -> int:
    if read_tile(directory, tile) != expected:
        reason = "it is not what the entries below it hash to"
        raise TileDamaged(tile.path, reason)
    return 1


def _check_leftovers(directory: Path, size: int) -> tuple[int, tuple[str, ...]]:
    """Check files that the newest tree does not need; return their number and the ones ahead."""
    older, ahead = 0, []
    current = {tile.path for tile in all_tiles(size)}
    for path in _files(directory):
        if path in current:
            continue
        tile = _parse(path)
        newest = min(TILE_WIDTH, max(0, rows_at(tile.level, size) - tile.index * TILE_WIDTH))
        if tile.width > newest:
            ahead.append(path)
        else:
            _compare(directory, tile, _beginning(directory, tile, size))
            older += 1
    return older, tuple(ahead)


def _files(directory: Path) -> Iterable[str]:
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and relative.parts[0] not in (STAGING, CHECKPOINT):
            yield relative.as_posix()


def _parse(path: str) -> Tile:
    match = _PATH.fullmatch(path)
    if match is not None:
        level, groups, width = match.groups()
        tile = Tile(
            level=ENTRIES if level == "entries" else int(level),
            index=int(groups.replace("x", "").replace("/", "")),
            width=int(width or TILE_WIDTH),
        )
        if tile.path == path:
            return tile
    reason = "no file of this name belongs to a log"
    raise TileDamaged(path, reason)


def _beginning(directory: Path, tile: Tile, size: int) -> bytes:
    """Return what an older, narrower tile must hold: the first rows of the newest one."""
    newest = tile_at(tile.level, tile.index, size)
    if tile.level == ENTRIES:
        return encode_bundle(read_entries(directory, newest)[: tile.width])
    return read_tile(directory, newest)[: tile.width * HASH_BYTES]
