"""Erasure certificates: what was destroyed, in entries that the log has signed for ever.

A certificate is a JSON file of three parts, and self-contained::

    proof         the signed checkpoint, and under it three entries of the log with their paths:
                  the validation, the order of destruction, the end of the erasure
    fingerprints  of the destroyed keys, one by one (base64url), in the order of the keys' ids
    says          what follows from the two, in plain members, for whoever reads it

The log signs nothing but checkpoints, so the chain is a receipt's::

    log key ─signs→ checkpoint ─root→ path ─hash→ entry AccountErased ─root→ fingerprints
                                  └────→ path ─hash→ entry DestructionOrdered   same request,
                                  └────→ path ─hash→ entry ErasureValidated     keys and root

Nothing in the file is free: `says` is written anew from the entries and compared, and the file
can be spelled in one way only, so a file of which one byte was altered is refused. It names nobody.
What it cannot show is said in `Certified.not_proven`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from domain.errors import Malformed
from proofs.canonical import Json, JsonMalformed, canonical_json, parse_canonical
from proofs.checkpoint import SignedCheckpoint, open_checkpoint
from proofs.merkle import (
    HASH_BYTES,
    NodeReader,
    ProofRefuted,
    leaf_hash,
    prove_inclusion,
    root,
    verify_inclusion,
)
from proofs.signing import Verifier
from proofs.texts import TextMalformed, decode_base64url, encode_base64url

MAX_CERTIFICATE_BYTES: Final = 8 * 1024 * 1024
"""The longest file that is read: about 100,000 keys."""

_KIND: Final = "metroledger erasure certificate"
_VERSION: Final = 1
_STEPS: Final = {
    "validated": "ErasureValidated.v",
    "ordered": "DestructionOrdered.v",
    "erased": "AccountErased.v",
}
"""The entries, in the order in which they were written, and how their types begin."""

_CLAIMED: Final = (
    "that no copy of the keys lies outside of the stores it counts, nor that the fingerprints are "
    "of those keys: the ledger says so in an entry that it can never take back"
)

_ROLES: Final = ("asked", "checked", "validated", "carried_out")


class CertificateMalformed(Malformed):
    """Bytes are not an erasure certificate, or not as it was written."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong."""
        super().__init__(
            f"this is not an erasure certificate as it was written: {reason}; ask for the file "
            "again"
        )
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the log: its bytes, its `index`, and the path (32-byte hashes) to the root."""

    leaf: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate's evidence: nothing of it is verified yet.

    `steps` are the three entries in their order, `fingerprints` 32 bytes each; none where the
    key store that knew them is not the one they were asked of.
    """

    note: bytes
    steps: tuple[Step, ...]
    fingerprints: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Write the file: JSON for people to read, in the one spelling that it has."""
        members: dict[str, Json] = {
            "v": _VERSION,
            "kind": _KIND,
            "says": _says(self),
            "fingerprints": [encode_base64url(one) for one in self.fingerprints],
            "proof": {
                "checkpoint": self.note.decode("utf-8"),
                "entries": [
                    {
                        "leaf": encode_base64url(step.leaf),
                        "index": step.index,
                        "path": [encode_base64url(one) for one in step.path],
                    }
                    for step in self.steps
                ],
            },
        }
        ordered = json.loads(canonical_json(members))
        return json.dumps(ordered, ensure_ascii=False, indent=2).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the file; `CertificateMalformed` for anything that `encode` would not write."""
        if len(data) > MAX_CERTIFICATE_BYTES:
            reason = f"{len(data)} bytes are more than {MAX_CERTIFICATE_BYTES}"
            raise CertificateMalformed(reason)
        try:
            members = _object(json.loads(data.decode("utf-8")))
            proof = _object(members.get("proof"))
            certificate = cls(
                note=_text(proof.get("checkpoint")).encode(),
                steps=tuple(_step(one) for one in _list(proof.get("entries"))),
                fingerprints=_hashes(members.get("fingerprints")),
            )
            again = certificate.encode()
        except (ValueError, RecursionError, JsonMalformed, TextMalformed):
            reason = "it is not JSON of the members that it has"
            raise CertificateMalformed(reason) from None
        if again != data:
            reason = "written again from its evidence it has other bytes"
            raise CertificateMalformed(reason)
        return certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What a certificate has proven: the log's `signed` checkpoint, and what the entries say."""

    signed: SignedCheckpoint
    certificate: Certificate
    says: Mapping[str, Json] = field(repr=False)

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What a reader might think was proven and was not, in sentences."""
        gaps = [_CLAIMED]
        if not self.certificate.fingerprints:
            gaps.append("the fingerprints one by one: the root over them alone is shown")
        if not self.signed.cosigners:
            gaps.append("that others were shown the same log: no known witness has cosigned")
        gaps += [
            f"that {line.name} has signed: its key is not known here"
            for line in self.signed.unknown
        ]
        return tuple(gaps)


def issue_certificate(
    entries: Sequence[tuple[bytes, int]],
    fingerprints: Sequence[bytes],
    *,
    signed: SignedCheckpoint,
    nodes: NodeReader,
) -> bytes:
    """Return the certificate of three entries (bytes and index) under a signed checkpoint.

    Prints that are not those the last entry binds are left out. Raises `ProofRefuted` or
    `CertificateMalformed` rather than hand out one that would not verify.
    """
    size = signed.checkpoint.size
    steps = tuple(
        Step(leaf=leaf, index=index, path=prove_inclusion(index, size, nodes))
        for leaf, index in entries
    )
    known = _prints_of(fingerprints) == _payload(steps[-1]).get("fingerprints")
    certificate = Certificate(
        note=signed.note, steps=steps, fingerprints=tuple(fingerprints) if known else ()
    )
    _verify_under(signed, certificate)
    return certificate.encode()


def verify_certificate(data: bytes, verifiers: Iterable[Verifier]) -> Certified:
    """Verify a certificate offline, and return what it proves.

    `verifiers` are the log's key and those of the witnesses that the reader knows. Raises a
    `Malformed` for a file that is none, a `Corrupt` for one that proves nothing.
    """
    certificate = Certificate.decode(data)
    signed = open_checkpoint(certificate.note, verifiers)
    _verify_under(signed, certificate)
    return Certified(signed=signed, certificate=certificate, says=_says(certificate))


def _verify_under(signed: SignedCheckpoint, certificate: Certificate) -> None:
    """Check that the entries are in the signed tree, and are the steps of one erasure."""
    for step in certificate.steps:
        verify_inclusion(
            leaf_hash(step.leaf),
            step.path,
            index=step.index,
            size=signed.checkpoint.size,
            root=signed.checkpoint.root,
        )
    validated, ordered, erased = certificate.steps
    payloads = [_payload(step) for step in certificate.steps]
    if len({str(payload.get("request")) for payload in payloads}) != 1:
        reason = "its entries are about several requests"
        raise ProofRefuted(reason)
    if not validated.index < ordered.index < erased.index:
        reason = "its entries are not in the order of an erasure"
        raise ProofRefuted(reason)
    order, end = payloads[1:]
    if (order.get("keys"), order.get("root")) != (end.get("keys"), end.get("root")):
        reason = "other keys were destroyed than ordered"
        raise ProofRefuted(reason)
    prints = certificate.fingerprints
    if prints and (len(prints), _prints_of(prints)) != (end.get("keys"), end.get("fingerprints")):
        reason = "its fingerprints are not those of the destroyed keys"
        raise ProofRefuted(reason)


def _prints_of(fingerprints: Iterable[bytes]) -> str:
    return encode_base64url(root(leaf_hash(one) for one in fingerprints))


def _says(certificate: Certificate) -> dict[str, Json]:
    """Return what follows from the entries, in plain members; raises `CertificateMalformed`."""
    if len(certificate.steps) != len(_STEPS):
        reason = f"it has {len(certificate.steps)} entries, not {len(_STEPS)}"
        raise CertificateMalformed(reason)
    hours: dict[str, Json] = {}
    for (name, prefix), step in zip(_STEPS.items(), certificate.steps, strict=True):
        entry = _object(parse_canonical(step.leaf))
        if not _text(entry.get("type")).startswith(prefix):
            reason = f"an entry is no {prefix.removesuffix('.v')}"
            raise CertificateMalformed(reason)
        hours[name] = _text(entry.get("hour"))
    end = _payload(certificate.steps[-1])
    epoch = _integer(end.get("epoch"))
    return {
        "request": _text(end.get("request")),
        "hours": hours,
        "keys_destroyed": _integer(end.get("keys")),
        "key_stores": _integer(end.get("stores")),
        "epochs": {"last_that_held_them": epoch - 1, "first_without_them": epoch},
        "tree_sizes": {
            "before": _integer(end.get("tree_size_before")),
            "after": _integer(end.get("tree_size_after")),
        },
        "roles": {name: _role(end.get(f"{name}_as")) for name in _ROLES},
        "legal_basis": _text(end.get("legal_basis")),
        "not_reached": [_text(one) for one in _list(end.get("not_reached"))],
    }


def _role(value: Json) -> str | None:
    return None if value is None else _text(value)


def _payload(step: Step) -> Mapping[str, Json]:
    return _object(_object(parse_canonical(step.leaf)).get("payload"))


def _step(value: Json) -> Step:
    members = _object(value)
    return Step(
        leaf=decode_base64url(_text(members.get("leaf"))),
        index=_integer(members.get("index")),
        path=_hashes(members.get("path")),
    )


def _hashes(value: Json) -> tuple[bytes, ...]:
    hashes = tuple(decode_base64url(_text(item)) for item in _list(value))
    if any(len(one) != HASH_BYTES for one in hashes):
        reason = f"a hash has not {HASH_BYTES} bytes"
        raise CertificateMalformed(reason)
    return hashes


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        reason = "a part is not an object"
        raise CertificateMalformed(reason)
    return value


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        reason = "a part is not an array"
        raise CertificateMalformed(reason)
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        reason = "a part is not a text"
        raise CertificateMalformed(reason)
    return value


def _integer(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        reason = "a number is no integer"
        raise CertificateMalformed(reason)
    return value
