"""Tiles: names, coordinates, bundles, and proofs read out of a directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.edge import Edge
from proofs.merkle import (
    leaf_hash,
    nodes_of,
    prove_consistency,
    prove_inclusion,
    root,
)
from proofs.tiles import (
    ENTRIES,
    BundleMalformed,
    Tile,
    TileDamaged,
    all_tiles,
    changed_tiles,
    decode_bundle,
    encode_bundle,
    tile_nodes,
)
from tests.proofs.support import entries, vectors

if TYPE_CHECKING:
    from pathlib import Path


def write_tiles(directory: Path, leaves: list[bytes]) -> None:
    edge = Edge()
    for files in (edge.append(leaves), edge.partial_files(0)):
        for tile, data in files:
            path = directory / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=ENTRIES, index=0, width=1), "tile/entries/000.p/1"),
        (Tile(level=3, index=999, width=255), "tile/3/999.p/255"),
        (Tile(level=0, index=1000), "tile/0/x001/000"),
        (Tile(level=0, index=1_234_067), "tile/0/x001/x234/067"),
        (Tile(level=ENTRIES, index=1_234_067, width=8), "tile/entries/x001/x234/067.p/8"),
    ],
)
def test_a_tile_is_named_as_tlog_tiles_has_it(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    tiles = list(all_tiles(70_000))
    for level, full, width in ((ENTRIES, 273, 112), (0, 273, 112), (1, 1, 17), (2, 0, 1)):
        rows = [tile for tile in tiles if tile.level == level]
        assert [tile.width for tile in rows] == [256] * full + [width]
    assert [tile.path for tile in all_tiles(256)][1:] == ["tile/0/000", "tile/1/000.p/1"]
    assert not list(all_tiles(0))


def test_the_partial_tiles_of_the_specification_are_ours() -> None:
    published = json.loads((vectors("c2sp-spec-examples") / "vectors.json").read_text())
    for example in published["partial_tile_examples"]:
        tiles = list(all_tiles(example["size"]))
        for name, count in example.items():
            if name != "size":
                level, kind = name.removeprefix("level").split("_")
                rows = [tile for tile in tiles if tile.level == int(level)]
                partial = [tile.width for tile in rows if tile.width < 256]
                full = [tile for tile in rows if tile.width == 256]
                assert (len(full) if kind == "full" else partial) in (count, [count])


@given(st.integers(0, 200_000), st.integers(0, 2_000))
def test_what_changes_is_what_the_new_tree_has_and_the_old_had_not(old: int, more: int) -> None:
    changed = list(changed_tiles(old, old + more))
    assert set(changed) == set(all_tiles(old + more)) - set(all_tiles(old))
    assert len(changed) == len(set(changed))


@given(st.lists(st.binary(max_size=300), max_size=20), st.binary(min_size=1, max_size=3))
def test_a_bundle_reads_back_and_has_no_room_for_more(leaves: list[bytes], more: bytes) -> None:
    data = encode_bundle(leaves)
    assert decode_bundle(data, len(leaves)) == tuple(leaves)
    with pytest.raises(BundleMalformed):
        decode_bundle(data + more, len(leaves))
    with pytest.raises(BundleMalformed):
        decode_bundle(data, len(leaves) + 1)


def test_an_entry_has_at_most_65535_bytes() -> None:
    longest = bytes(65_535)
    assert decode_bundle(encode_bundle([longest]), 1) == (longest,)
    with pytest.raises(BundleMalformed):
        encode_bundle([longest + b"x"])


@pytest.mark.parametrize("size", [1, 2, 70, 255, 256, 257, 1_000, 66_000])
def test_proofs_read_from_tiles_are_those_from_the_leaves(tmp_path: Path, size: int) -> None:
    leaves = entries(size)
    write_tiles(tmp_path, leaves)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    stored, memory = tile_nodes(tmp_path, size), nodes_of(hashes)
    assert Edge.read(tmp_path, size).root() == root(hashes)
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        assert prove_inclusion(index, size, stored) == prove_inclusion(index, size, memory)
        assert prove_consistency(index, size, stored) == prove_consistency(index, size, memory)


def test_an_older_tree_is_read_from_the_full_tiles_that_came_after_it(tmp_path: Path) -> None:
    leaves = entries(600)
    write_tiles(tmp_path, leaves)
    memory = nodes_of([leaf_hash(leaf) for leaf in leaves])
    overtaken, newest = tile_nodes(tmp_path, 200), tile_nodes(tmp_path, 600)
    assert prove_inclusion(199, 200, overtaken) == prove_inclusion(199, 200, memory)
    assert prove_inclusion(299, 300, newest) == prove_inclusion(299, 300, memory)
    with pytest.raises(TileDamaged, match="missing"):
        tile_nodes(tmp_path, 700)(0, 699)


@given(st.lists(st.integers(0, 300), max_size=5))
def test_an_edge_grows_alike_in_any_portions(portions: list[int]) -> None:
    leaves = entries(sum(portions))
    edge = Edge()
    files: dict[Tile, bytes] = {}
    for portion in portions:
        before = edge.size
        grown = edge.fork()
        files.update(grown.append(leaves[before : before + portion]))
        files.update(grown.partial_files(before))
        assert edge.size == before, "a fork leaves its original as it was"
        edge = grown
        assert edge.root() == root(leaf_hash(leaf) for leaf in leaves[: edge.size])
    whole = Edge()
    expected = dict(whole.append(leaves)) | dict(whole.partial_files(0))
    assert expected == {tile: files[tile] for tile in expected}
