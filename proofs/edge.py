"""The growing edge of a tree: its open tiles, kept between appends.

One tile of each level is *open*: the rows after the last full tile. They are all
that an append needs, all that changes, and all that the root is made of: the
perfect subtrees over each open tile's rows, top level first, are the frontier
of the whole tree (`proofs.merkle`). So the edge holds at most 255 hashes a level
and the entries of one open bundle, whatever the size of the tree.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Self

from proofs.merkle import Frontier, fold_peaks, leaf_hash
from proofs.tiles import (
    ENTRIES,
    MAX_LEVEL,
    TILE_WIDTH,
    Tile,
    TileDamaged,
    changed_tiles,
    encode_bundle,
    read_entries,
    read_hashes,
    rows_at,
)

TileFile = tuple[Tile, bytes]
"""A tile or bundle, and the bytes of its file."""


class Edge:
    """The open tiles of a tree of `size` entries; grows by `append`."""

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self.size = 0
        self._rows: list[list[bytes]] = [[] for _ in range(MAX_LEVEL + 1)]
        self._frontiers = [Frontier()] * (MAX_LEVEL + 1)
        self._bundle: list[bytes] = []

    def fork(self) -> Self:
        """Return an edge that grows apart from this one."""
        twin = copy(self)
        twin._rows = [row.copy() for row in self._rows]  # noqa: SLF001 - its own kind
        twin._frontiers = self._frontiers.copy()  # noqa: SLF001 - the same
        twin._bundle = self._bundle.copy()  # noqa: SLF001 - the same
        return twin

    @classmethod
    def read(cls, directory: Path, size: int) -> Self:
        """Read the open tiles of the tree of `size` from its directory.

        Raises `TileDamaged` where a file is missing, or where the open bundle's
        entries do not hash to the open tile; the caller compares the root.
        """
        edge = cls()
        edge.size = size
        for level in range(MAX_LEVEL + 1):
            index, width = divmod(rows_at(level, size), TILE_WIDTH)
            if width:
                row = read_hashes(directory, Tile(level=level, index=index, width=width))
                edge._rows[level] = list(row)
                edge._frontiers[level] = Frontier().extend(row)
        index, width = divmod(size, TILE_WIDTH)
        if width:
            bundle = Tile(level=ENTRIES, index=index, width=width)
            entries = read_entries(directory, bundle)
            if [leaf_hash(entry) for entry in entries] != edge._rows[0]:
                reason = "its entries are not those of the tile above it"
                raise TileDamaged(bundle.path, reason)
            edge._bundle = [encode_bundle(entries)]
        return edge

    def root(self) -> bytes:
        """Return the root of the tree, 32 bytes."""
        return fold_peaks([peak for level in reversed(self._frontiers) for peak in level.peaks])

    def append(self, entries: Iterable[bytes]) -> Iterator[TileFile]:
        """Append entries, yielding each bundle and tile that became full.

        Lazy: the edge grows as the iterator is consumed, one bundle at a time,
        so that a tree of any length passes through little memory.
        """
        supply = iter(entries)
        while chunk := list(islice(supply, TILE_WIDTH - len(self._rows[0]))):
            self._bundle.append(encode_bundle(chunk))
            self.size += len(chunk)
            yield from self._extend(0, [leaf_hash(entry) for entry in chunk])

    def _extend(self, level: int, hashes: list[bytes]) -> Iterator[TileFile]:
        row = self._rows[level]
        row += hashes
        self._frontiers[level] = self._frontiers[level].extend(hashes)
        if len(row) < TILE_WIDTH:
            return
        index = rows_at(level, self.size) // TILE_WIDTH - 1
        if level == 0:
            yield Tile(level=ENTRIES, index=index), b"".join(self._bundle)
            self._bundle = []
        yield Tile(level=level, index=index), b"".join(row)
        # 256 rows are one perfect subtree, so the frontier has one peak: the row above.
        (carry,) = self._frontiers[level].peaks
        self._rows[level], self._frontiers[level] = [], Frontier()
        yield from self._extend(level + 1, [carry])

    def partial_files(self, since: int) -> Iterator[TileFile]:
        """Yield the partial bundle and tiles that a tree of size `since` had not."""
        for tile in changed_tiles(since, self.size):
            if tile.width == TILE_WIDTH:
                continue
            parts = self._bundle if tile.level == ENTRIES else self._rows[tile.level]
            yield tile, b"".join(parts)
