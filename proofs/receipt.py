"""Receipts: a file that a DSO keeps, and verifies with nothing but a public key.

A receipt is a `.tlog-proof` (`proofs.tlog_proof`) whose `extra` holds the entry
and its disclosures (`proofs.content`). Verified, it chains from the signature to
the words::

    log key ─signs→ checkpoint ─root→ path ─hash→ entry
                                                  │ event:   commitment → digests → disclosures
                                                  └ reading: delivery's root → path → reading's
                                                             leaf → commitment → disclosure

So every byte of the file is either spelled in the one way its format allows or
bound to the log's signature. The exception is what nobody can bind: signature
lines of keys that the reader does not know. They are given back as such.

What a receipt cannot show is said in `Proven.not_proven`: above all, that a
consent was granted does not say that it still stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.errors import Corrupt
from proofs.checkpoint import SignedCheckpoint, open_checkpoint
from proofs.content import Content, ContentMalformed, Opened, open_content
from proofs.merkle import NodeReader, leaf_hash, prove_inclusion, verify_inclusion
from proofs.signing import Verifier
from proofs.tlog_proof import TlogProof


class CosignersMissing(Corrupt):
    """Fewer known witnesses have signed than the reader asks for."""

    def __init__(self, found: int, needed: int) -> None:
        """Tell how many were found and how many are needed."""
        super().__init__(
            f"{found} of the known witnesses have cosigned, {needed} are needed; ask the log "
            "for a receipt under a newer checkpoint",
        )
        self.found = found
        self.needed = needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a receipt has proven: the log's `signed` checkpoint, and the content under it.

    `index` is the entry's place in the log; the entry is `content.entry`.
    """

    signed: SignedCheckpoint
    index: int
    content: Opened

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What a reader might think was proven and was not, in sentences."""
        gaps = [
            "that its consent was in force: the log's audit shows it, opening nothing"
            if self.content.reading is not None
            else "that it still stands: look for a later ending, or ask for a status"
        ]
        if self.content.kept_back is None and "payload" not in self.content.entry:
            gaps.append("what the event says: no disclosure is in the receipt")
        if self.content.kept_back:
            gaps.append(f"what {self.content.kept_back} groups say: they are kept back")
        return (*gaps, *self.signed.not_proven)


def issue_receipt(
    content: Content,
    *,
    index: int,
    signed: SignedCheckpoint,
    nodes: NodeReader,
) -> bytes:
    """Return the receipt of the entry `index` under a signed checkpoint.

    `nodes` reads the tree (`tile_nodes`, `nodes_of`). Raises `ProofRefuted` rather
    than hand out a receipt that would not verify, and what `open_content` raises.
    """
    open_content(content)
    checkpoint = signed.checkpoint
    path = prove_inclusion(index, checkpoint.size, nodes)
    proof = TlogProof(extra=content.encode(), index=index, path=path, note=signed.note)
    _verify_entry(content, proof, signed)
    return proof.encode()


def verify_receipt(data: bytes, verifiers: Iterable[Verifier], *, cosigners: int = 0) -> Proven:
    """Verify a receipt offline, and return what it proves.

    `verifiers` are the log's key and those of the witnesses that the reader knows;
    at least `cosigners` of the latter must have signed. Raises a `Malformed` for a
    file that is none, a `Corrupt` for one that proves nothing.
    """
    proof = TlogProof.decode(data)
    if proof.extra is None:
        reason = "there is none"
        raise ContentMalformed(reason)
    content = Content.decode(proof.extra)
    signed = open_checkpoint(proof.note, verifiers)
    found = len({seen.verifier.name for seen in signed.cosigners})
    if found < cosigners:
        raise CosignersMissing(found, cosigners)
    _verify_entry(content, proof, signed)
    return Proven(signed=signed, index=proof.index, content=open_content(content))


def _verify_entry(content: Content, proof: TlogProof, signed: SignedCheckpoint) -> None:
    verify_inclusion(
        leaf_hash(content.entry),
        proof.path,
        index=proof.index,
        size=signed.checkpoint.size,
        root=signed.checkpoint.root,
    )
