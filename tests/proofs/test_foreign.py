"""Other people's libraries on our log: Tessera's fsck, transparency-dev's proof reader.

Skipped, saying so, where Go is not installed or its modules cannot be fetched.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from proofs.canonical import canonical_json
from proofs.content import Content
from proofs.disclosure import Disclosure, commit, digest_of
from proofs.receipt import issue_receipt
from proofs.texts import encode_base64url
from proofs.tiles import tile_nodes
from tests.proofs.support import SIGNER, CommittedTree, Site, entries

pytestmark = pytest.mark.timeout(600)
MODULE = Path(__file__).parent / "foreign"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Go program of `foreign/`."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed: nobody else has checked our log")
    fetched = _go("mod", "download")
    if fetched.returncode:
        pytest.skip("the Go modules cannot be fetched: nobody else has checked our log")
    program = tmp_path_factory.mktemp("foreign") / "foreign"
    built = _go("build", "-mod=readonly", "-o", str(program), ".")
    assert built.returncode == 0, built.stderr
    return program


def _go(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", *arguments], cwd=MODULE, capture_output=True, text=True, timeout=500, check=False
    )


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=90, check=False
    )


def publish(home: Path, leaves: list[bytes], *portions: int) -> Site:
    site = Site(home)
    publisher = site.publisher()
    for size in (*portions, len(leaves)):
        publisher.publish(CommittedTree(leaves[:size]))
    return site


VKEY = SIGNER.verifier.encode()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 70_000])
def test_tessera_finds_our_log_whole(foreign: Path, tmp_path: Path, size: int) -> None:
    site = publish(tmp_path, entries(size), size // 3, size // 2)
    result = run(foreign, "fsck", site.directory, VKEY)
    assert (result.returncode, result.stdout) == (0, "verified\n"), result.stderr[-2000:]


def test_tessera_finds_entries_of_the_shortest_and_longest_length(
    foreign: Path,
    tmp_path: Path,
) -> None:
    site = publish(tmp_path, [b"", bytes(65_535), b"x"] * 100)
    assert run(foreign, "fsck", site.directory, VKEY).returncode == 0


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/entries/001",
        "tile/1/000.p/2",
        "tile/0/002.p/88",
        "tile/entries/002.p/88",
        "checkpoint",
    ],
)
def test_tessera_refuses_one_flipped_byte(foreign: Path, tmp_path: Path, path: str) -> None:
    site = publish(tmp_path, entries(600))
    file = site.directory / path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    result = run(foreign, "fsck", site.directory, VKEY)
    assert result.returncode == 1
    assert "refuted" in result.stderr


def test_a_receipt_read_out_of_tiles_verifies_with_a_foreign_library(
    foreign: Path,
    tmp_path: Path,
) -> None:
    disclosures = [
        Disclosure(salt=bytes([index]) * 16, name=f"group{index}", value=[index]).encode()
        for index in range(4)
    ]
    commitment = encode_base64url(commit([digest_of(text) for text in disclosures]))
    leaf = canonical_json({"v": 1, "type": "ConsentGranted.v1", "commitment": commitment})
    leaves = entries(70_000)
    leaves[66_000] = leaf
    site = publish(tmp_path, leaves)
    signed = site.publisher().published()
    assert signed is not None
    receipt = issue_receipt(
        Content(leaf=leaf, disclosures=tuple(disclosures)),
        index=66_000,
        signed=signed,
        nodes=tile_nodes(site.directory, 70_000),
    )
    file, entry = tmp_path / "consent.tlog-proof", tmp_path / "entry"
    file.write_bytes(receipt)
    entry.write_bytes(leaf)
    result = run(foreign, "receipt", file, VKEY, entry)
    assert (result.returncode, result.stdout) == (0, "verified\n"), result.stderr
    entry.write_bytes(leaf + b" ")
    assert run(foreign, "receipt", file, VKEY, entry).returncode == 1
    entry.write_bytes(leaf)
    for find, put in ((b"index 66000", b"index 66001"), (b"70000", b"70001")):
        file.write_bytes(receipt.replace(find, put))
        assert run(foreign, "receipt", file, VKEY, entry).returncode == 1
