"""Tiles and entry bundles (c2sp.org/tlog-tiles): the tree as files any web server can serve.

::

    checkpoint                       the newest signed checkpoint
    tile/<L>/<N>[.p/<W>]             hashes of tile N at tile level L
    tile/entries/<N>[.p/<W>]         entries 256·N up to 256·N + W

A tile is a row of up to 256 hashes, 32 bytes each. Row i of tile (L, N) is the
perfect subtree of level 8·L and index 256·N + i (`proofs.merkle`): so the 256
hashes of a full tile hash to one hash of the tile above it, and everything in
between is recomputed. A bundle is the entries themselves, each behind its length
(2 bytes, big-endian): its hashes are the level-0 tile of the same number.

The last tile of a level is *partial*, W < 256 wide, and is named by its width: a
file, once written, never changes. A partial tile counts for nothing in the level
above it. N is written in groups of three digits, all but the last behind an x:
1234067 is ``x001/x234/067``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.errors import Corrupt, Malformed
from proofs.merkle import HASH_BYTES, NodeReader, nodes_of

TILE_HEIGHT = 8
TILE_WIDTH = 256
MAX_ENTRY_BYTES = 65_535
MAX_LEVEL = 7
"""The highest tile level of a tree below 2⁶³ entries (8·7 + 8 > 63)."""

ENTRIES = -1
"""The `level` of entry bundles, which lie below the tiles of level 0."""

_LENGTH_BYTES = 2
_CACHED_TILES = 64


class BundleMalformed(Malformed):
    """Bytes are not an entry bundle, or entries do not fit into one."""

    def __init__(self, reason: str) -> None:
        """Say what does not fit."""
        super().__init__(f"this is not an entry bundle: {reason}; nothing was written")
        self.reason = reason


class TileDamaged(Corrupt):
    """A published file is missing, or is not what the signed checkpoint says."""

    def __init__(self, path: str, reason: str) -> None:
        """Name the file, below the directory of tiles."""
        super().__init__(
            f"published file {path}: {reason}; stop publishing, keep the directory as it "
            "is, and restore the file from a copy or write it again from the ledger",
        )
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The name of one tile (`level` 0 to 7) or entry bundle (`level` ENTRIES).

    `width` is the number of rows, 1 to 256; 256 is a full tile.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The file's path below the directory of tiles, with slashes."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"


def _index_path(index: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def rows_at(level: int, size: int) -> int:
    """Return how many rows a tree of `size` has at a tile level: its whole perfect subtrees."""
    return size >> (TILE_HEIGHT * max(level, 0))


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile as a tree of `size` has it: full, or partial at the right edge."""
    width = min(TILE_WIDTH, rows_at(level, size) - index * TILE_WIDTH)
    return Tile(level=level, index=index, width=width)


def changed_tiles(old: int, new: int) -> Iterator[Tile]:
    """Yield the bundles and tiles that a tree of size `new` has and one of size `old` had not.

    Lowest level first. From 0 these are all files of the tree.
    """
    for level in range(ENTRIES, MAX_LEVEL + 1):
        before, after = rows_at(level, old), rows_at(level, new)
        if before == after:
            return
        for index in range(before // TILE_WIDTH, -(-after // TILE_WIDTH)):
            yield tile_at(level, index, new)


def all_tiles(size: int) -> Iterator[Tile]:
    """Yield every bundle and tile of a tree, lowest level first."""
    return changed_tiles(0, size)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries one after another, each behind its length (2 bytes, big-endian)."""
    return b"".join([_encode_entry(entry) for entry in entries])


def _encode_entry(entry: bytes) -> bytes:
    if len(entry) > MAX_ENTRY_BYTES:
        reason = f"an entry of {len(entry)} bytes is longer than {MAX_ENTRY_BYTES}"
        raise BundleMalformed(reason)
    return len(entry).to_bytes(_LENGTH_BYTES, "big") + entry


def decode_bundle(data: bytes, count: int) -> tuple[bytes, ...]:
    """Read exactly `count` entries; `BundleMalformed` for fewer, more or trailing bytes."""
    entries: list[bytes] = []
    at = 0
    for _ in range(count):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data) or start > len(data):
            reason = f"it ends within entry {len(entries)}"
            raise BundleMalformed(reason)
        entries.append(data[start:end])
        at = end
    if at != len(data):
        reason = f"{len(data) - at} bytes follow its {count} entries"
        raise BundleMalformed(reason)
    return tuple(entries)


def decode_tile(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a tile's file; `TileDamaged` unless it has exactly its width."""
    if len(data) != tile.width * HASH_BYTES:
        reason = f"{len(data)} bytes instead of {tile.width * HASH_BYTES}"
        raise TileDamaged(tile.path, reason)
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def read_tile(directory: Path, tile: Tile) -> bytes:
    """Return the bytes of a tile's or bundle's file; `TileDamaged` if it is not there."""
    try:
        return (directory / tile.path).read_bytes()
    except FileNotFoundError:
        reason = "it is missing"
        raise TileDamaged(tile.path, reason) from None


def read_hashes(directory: Path, tile: Tile) -> tuple[bytes, ...]:
    """Return the hashes of a tile, from its file or from the full tile that came after it.

    A partial tile may be removed once the full one is there (tlog-tiles): an
    older checkpoint then finds its rows at the beginning of the full tile.
    """
    if (directory / tile.path).exists():
        return decode_tile(tile, read_tile(directory, tile))
    full = Tile(level=tile.level, index=tile.index)
    if not (directory / full.path).exists():
        full = tile
    return decode_tile(full, read_tile(directory, full))[: tile.width]


def read_entries(directory: Path, tile: Tile) -> tuple[bytes, ...]:
    """Return the entries of a bundle, from its file or from the full bundle after it."""
    full = Tile(level=ENTRIES, index=tile.index)
    chosen = tile if (directory / tile.path).exists() else full
    if not (directory / chosen.path).exists():
        chosen = tile
    try:
        return decode_bundle(read_tile(directory, chosen), chosen.width)[: tile.width]
    except BundleMalformed as malformed:
        raise TileDamaged(chosen.path, malformed.reason) from malformed


def tile_nodes(directory: Path, size: int) -> NodeReader:
    """Return a reader of perfect subtrees from the tiles of a tree of `size`.

    A proof reads a tile or two of each tile level. What comes out is only as
    good as the files: verify a proof against the signed root before it is given
    away (`proofs.receipt` does).
    """

    @lru_cache(maxsize=_CACHED_TILES)
    def inner_nodes(level: int, index: int) -> NodeReader:
        return nodes_of(read_hashes(directory, tile_at(level, index, size)))

    def read(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first_row = index << height
        tile_index, row = divmod(first_row, TILE_WIDTH)
        return inner_nodes(tile_level, tile_index)(height, row >> height)

    return read
