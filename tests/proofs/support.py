"""What the tests of `proofs` share: a key, trees, and the way to the public vectors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proofs.merkle import leaf_hash, root
from proofs.publication import JOURNAL, Publisher
from proofs.signing import KeyKind, Signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
ORIGIN = "ledger.example.org/consents"
SIGNER = Signer(name=ORIGIN, kind=KeyKind.ED25519, seed=bytes([1]) * 32)
WITNESS = Signer(name="witness.example/w1", kind=KeyKind.COSIGNATURE, seed=bytes([2]) * 32)
VERIFIERS = [SIGNER.verifier]


def vectors(name: str) -> Path:
    """Return a folder of public vectors, or skip the test, saying so."""
    folder = REPOSITORY.parent / "shared" / "vectors" / name
    if not folder.is_dir():
        pytest.skip(f"the public vectors {name} are not beside this clone")
    return folder


def entry(index: int) -> bytes:
    return b'{"index":%d,"pad":"%b"}' % (index, b"x" * (index % 23))


def entries(count: int) -> list[bytes]:
    return [entry(index) for index in range(count)]


class CommittedTree:
    """A tree as the database would give it."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves
        self.size = len(leaves)
        self.root = root(leaf_hash(leaf) for leaf in leaves)

    def entries(self, start: int, stop: int, /) -> Iterable[bytes]:
        return self._leaves[start:stop]


class Site:
    """A directory of tiles, its journal, and publishers that come and go."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "log"
        self.journal = home / JOURNAL

    def publisher(self) -> Publisher:
        return Publisher(self.directory, SIGNER)

    def copy(self, home: Path) -> Site:
        twin = Site(home)
        shutil.copytree(self.directory, twin.directory)
        shutil.copy(self.journal, twin.journal)
        return twin

    def files(self) -> list[Path]:
        return sorted(path for path in self.directory.rglob("*") if path.is_file())
