"""The Merkle tree of RFC 9162 §2: hashes, roots, and the two proofs.

Theory of operation
-------------------

A tree over n entries D[0..n) has the root MTH(D[0..n))::

    MTH({})     = SHA-256("")
    MTH({d})    = SHA-256(0x00 || d)                     a leaf
    MTH(D[0:n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
                  k = the largest power of two smaller than n

The two prefixes keep leaves and nodes apart: no entry can be passed off as a
node. A subtree of 2^l leaves that starts at a multiple of 2^l is *perfect*: its
hash never changes again, however the tree grows. It is named (l, i) and covers
D[i·2^l : (i+1)·2^l]. Everything in this module is made of perfect subtrees:

- the **frontier** of a tree of n leaves is the list of its perfect subtrees,
  one for each one-bit of n, largest first. It is all that is needed to append
  and to tell the root, and it is 32·popcount(n) bytes;
- an **inclusion proof** is the list of siblings from a leaf up to the root;
- a **consistency proof** is the list of subtrees that rebuild both an old and a
  new root, and so show that the new tree only appended to the old.

Proofs are made through a `NodeReader`, which gives the hash of a perfect
subtree: over a list (`nodes_of`) or over a directory of tiles
(`proofs.tiles.tile_nodes`), without loading the leaves.

Every hash that comes in is checked to be 32 bytes long: a shorter "root" that
equals a shorter "leaf" must prove nothing. See
`test_the_vectors_of_transparency_dev_merkle_hold`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from domain.errors import Corrupt, Malformed

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""MTH({}), the root of the tree with no entry."""

NodeReader = Callable[[int, int], bytes]
"""(level, index) → the hash of the perfect subtree over D[index·2^level : (index+1)·2^level]."""

_FRONTIER_V1 = b"\x01"
_SIZE_BYTES = 8


class ProofRefuted(Corrupt):
    """A proof does not show what it was given to show."""

    def __init__(self, reason: str) -> None:
        """Say which step failed."""
        super().__init__(
            f"the proof does not hold: {reason}; treat what it claims as unproven, "
            "and fetch it again from its source",
        )
        self.reason = reason


class HashMalformed(Malformed):
    """A hash is not 32 bytes long."""

    def __init__(self, length: int) -> None:
        """Tell the length that was found."""
        super().__init__(f"a SHA-256 hash has 32 bytes, not {length}; nothing was appended")
        self.length = length


class FrontierMalformed(Malformed):
    """Stored bytes are not a frontier."""

    def __init__(self, length: int) -> None:
        """Tell the length of the bytes that were given."""
        super().__init__(
            f"{length} bytes are not an encoded frontier; rebuild it from the leaves",
        )
        self.length = length


class OutsideTree(Malformed):
    """A proof was asked for a leaf or a size that the tree does not have."""

    def __init__(self, position: int, size: int) -> None:
        """Tell the position asked for and the size of the tree."""
        super().__init__(f"position {position} is outside a tree of size {size}")
        self.position = position
        self.size = size


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf: SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees as their parent: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Iterable[bytes]) -> bytes:
    """Return MTH over leaf hashes in order; `HashMalformed` for one that is not 32 bytes."""
    return Frontier().extend(hashes).root()


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees, largest first; the empty root for none.

    The smallest two hang together first: MTH splits at the largest power of
    two, so whatever is right of a peak is one subtree.
    """
    if not peaks:
        return EMPTY_ROOT
    folded = peaks[-1]
    for peak in reversed(peaks[:-1]):
        folded = node_hash(peak, folded)
    return folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The right edge of a tree: all that is needed to append to it and to tell its root.

    A value: `append` and `extend` return a new frontier and leave this one as it
    is. `peaks` are the perfect subtrees, largest first, one per one-bit of `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse peaks that cannot belong to this size."""
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise FrontierMalformed(len(self.peaks) * HASH_BYTES)
        for peak in self.peaks:
            if len(peak) != HASH_BYTES:
                raise HashMalformed(len(peak))

    def append(self, leaf: bytes) -> Self:
        """Return the frontier with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Self:
        """Return the frontier with more leaf hashes, in order; about 1 µs a leaf.

        Appending is binary counting: each trailing one-bit of the size is a
        peak that the new node completes to the next larger one.
        """
        peaks, size = list(self.peaks), self.size
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise HashMalformed(len(leaf))
            node, carry = leaf, size
            while carry & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                carry >>= 1
            peaks.append(node)
            size += 1
        return type(self)(size=size, peaks=tuple(peaks))

    def root(self) -> bytes:
        """Return the root of the tree, 32 bytes."""
        return fold_peaks(self.peaks)

    def encode(self) -> bytes:
        """Write 0x01 || size (8 bytes, big-endian) || peaks, largest first."""
        return _FRONTIER_V1 + self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.peaks)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote; `FrontierMalformed` for anything else."""
        body = 1 + _SIZE_BYTES
        size = int.from_bytes(data[1:body], "big")
        if data[:1] != _FRONTIER_V1 or len(data) != body + size.bit_count() * HASH_BYTES:
            raise FrontierMalformed(len(data))
        peaks = tuple(data[at : at + HASH_BYTES] for at in range(body, len(data), HASH_BYTES))
        return cls(size=size, peaks=peaks)


def nodes_of(leaves: Iterable[bytes]) -> NodeReader:
    """Return a reader over leaf hashes in memory: every level is hashed once."""
    rows = [list(leaves)]
    for leaf in rows[0]:
        if len(leaf) != HASH_BYTES:
            raise HashMalformed(len(leaf))
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([node_hash(*pair) for pair in zip(row[::2], row[1::2], strict=False)])

    def read(level: int, index: int) -> bytes:
        if level >= len(rows) or index >= len(rows[level]):
            raise OutsideTree(index << level, len(rows[0]))
        return rows[level][index]

    return read


def subtree_root(start: int, end: int, nodes: NodeReader) -> bytes:
    """Return MTH(D[start:end]), where start is a multiple of a power of two ≥ end - start."""
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(nodes(level, start >> level))
        start += 1 << level
    return fold_peaks(peaks)


def _split(start: int, end: int) -> int:
    """Return start + k, k being the largest power of two smaller than end - start."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def prove_inclusion(index: int, size: int, nodes: NodeReader) -> tuple[bytes, ...]:
    """Return the siblings of leaf `index` in the tree of `size`, leaf to root (RFC 9162 §2.1.3)."""
    if not 0 <= index < size:
        raise OutsideTree(index, size)
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append(subtree_root(middle, end, nodes))
            end = middle
        else:
            path.append(subtree_root(start, middle, nodes))
            start = middle
    return tuple(reversed(path))


def prove_consistency(old: int, new: int, nodes: NodeReader) -> tuple[bytes, ...]:
    """Return the proof that the tree of size `new` begins with that of `old` (RFC 9162 §2.1.4).

    Empty for equal sizes and for the empty tree, with which every tree begins.
    """
    if not 0 <= old <= new:
        raise OutsideTree(old, new)
    proof = []
    start, end = 0, new
    while 0 < old < end:
        middle = _split(start, end)
        if old <= middle:
            proof.append(subtree_root(middle, end, nodes))
            end = middle
        else:
            proof.append(subtree_root(start, middle, nodes))
            start = middle
    # The verifier holds the old root already: only where the old tree ends in a
    # subtree smaller than itself has that subtree to be told.
    if start:
        proof.append(subtree_root(start, end, nodes))
    return tuple(reversed(proof))


def _require_hashes(*hashes: bytes) -> None:
    for given in hashes:
        if len(given) != HASH_BYTES:
            reason = f"a hash has {len(given)} bytes"
            raise ProofRefuted(reason)


def verify_inclusion(
    leaf: bytes,
    path: Sequence[bytes],
    *,
    index: int,
    size: int,
    root: bytes,
) -> None:
    """Check that `leaf` (a leaf hash) is the entry `index` of the tree (RFC 9162 §2.1.3.2).

    Raises `ProofRefuted`. The names fn, sn and r are the RFC's.
    """
    _require_hashes(leaf, root, *path)
    if not 0 <= index < size:
        reason = f"index {index} is outside a tree of size {size}"
        raise ProofRefuted(reason)
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            reason = "the path is too long"
            raise ProofRefuted(reason)
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            # On the right edge the node has no sibling on these levels: it rises alone.
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or r != root:
        reason = "the path leads to another root" if sn == 0 else "the path is too short"
        raise ProofRefuted(reason)


def verify_consistency(
    proof: Sequence[bytes],
    *,
    old_size: int,
    old_root: bytes,
    new_size: int,
    new_root: bytes,
) -> None:
    """Check that the new tree begins with the old one (RFC 9162 §2.1.4.2).

    Raises `ProofRefuted`; also for an old tree of size 0, which begins every tree
    and so proves nothing. The names fn, sn, fr and sr are the RFC's.
    """
    _require_hashes(old_root, new_root, *proof)
    if not 0 < old_size <= new_size:
        reason = f"size {old_size} proves nothing about size {new_size}"
        raise ProofRefuted(reason)
    if old_size == new_size:
        _verify_equal(proof, old_root, new_root)
        return
    # An old tree that is perfect is a node of the new one, so its root is not told twice.
    steps = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not proof:
        reason = "the proof is empty"
        raise ProofRefuted(reason)
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for c in steps[1:]:
        if sn == 0:
            reason = "the proof is too long"
            raise ProofRefuted(reason)
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or fr != old_root or sr != new_root:
        reason = "the proof leads to another root" if sn == 0 else "the proof is too short"
        raise ProofRefuted(reason)


def _verify_equal(proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that one size has one root, and that nothing pretends to prove more."""
    if proof:
        reason = "a proof is given where none is needed"
        raise ProofRefuted(reason)
    if old_root != new_root:
        reason = "one size has two roots"
        raise ProofRefuted(reason)
