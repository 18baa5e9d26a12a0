"""Certificates: what was destroyed, in entries that the log has signed for ever.

A certificate is a JSON file of three parts, and self-contained::

    proof         the signed checkpoint, and under it the entries of one destruction with their
                  paths: the order, the end, and what came before where `SCOPES` says so
    fingerprints  of the destroyed keys, one by one (base64url), in the order of the keys' ids
    says          what follows from the two, in plain members, for whoever reads it

The log signs nothing but checkpoints, so the chain is a receipt's. Of an account's erasure::

    log key ─signs→ checkpoint ─root→ path ─hash→ entry AccountErased ─root→ fingerprints
                                  └────→ path ─hash→ entry DestructionOrdered   same request,
                                  └────→ path ─hash→ entry ErasureValidated     keys and root

Nothing in the file is free: `says` is written anew from the entries and compared, and the file
can be spelled in one way only, so a file of which one byte was altered is refused. It names nobody.
What it cannot show is said in `Certified.not_proven`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
"""The longest file that is written or read: about 150,000 keys one by one."""

_KIND: Final = "metroledger erasure certificate"
_VERSION: Final = 3
_SECOND: Final = 2
"""The last version of files that named a last epoch with the keys, which no entry shows."""

_FIRST: Final = 1
"""The version of files that were of accounts alone, and did not say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A kind of destruction, and what shows it.

    `steps` are the types of its entries in the order in which they were written, the order of
    destruction last but one, each under the name of its hour. `tells` are the order's own members,
    `roles` those in which the end says that somebody acted, `unproven` what is not shown besides.
    """

    name: str
    steps: Mapping[str, str]
    tells: Mapping[str, type[str | int]]
    roles: tuple[str, ...] = ()
    unproven: str | None = None


SCOPES: Final[Mapping[str, Scope]] = {
    "AccountErased": Scope(
        name="account",
        steps={
            "validated": "ErasureValidated",
            "ordered": "DestructionOrdered",
            "erased": "AccountErased",
        },
        tells={"request": str},
        roles=("asked", "checked", "validated", "carried_out"),
    ),
    "KeysDestroyed": Scope(
        name="past",
        steps={"ordered": "DestructionOrdered", "destroyed": "KeysDestroyed"},
        tells={"request": str},
        roles=("asked", "carried_out"),
        unproven="which meter's past it was: the ledger names none",
    ),
    "RetentionCarriedOut": Scope(
        name="retention",
        steps={"ordered": "RetentionOrdered", "carried_out": "RetentionCarriedOut"},
        tells={"matter": str, "last_year": int},
        unproven="that nothing else was past its period: who is held by a duty to keep is passed "
        "over, and many keys take several runs",
    ),
}
"""What can be certified, by the type of its last entry, whatever the version."""

_CLAIMED: Final = (
    "that no copy of the keys lies outside of the stores it counts, nor that the fingerprints are "
    "of those keys: the ledger says so in an entry that it can never take back"
)


def kind_of(topic: str) -> str:
    """Return an event's type without its version: "AccountErased" of "AccountErased.v2"."""
    return topic.partition(".v")[0]


class CertificateMalformed(Malformed):
    """Bytes are not a certificate, or not as it was written."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong."""
        super().__init__(
            f"this is not a certificate as it was written: {reason}; ask for the file again"
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

    `steps` are its scope's entries in their order, `fingerprints` 32 bytes each; none where the
    key store that knew them is not the one they were asked of, or the file would be too long.
    """

    note: bytes
    steps: tuple[Step, ...]
    fingerprints: tuple[bytes, ...] = ()
    version: int = _VERSION

    @property
    def scope(self) -> Scope:
        """What was destroyed, by the last entry; raises `CertificateMalformed`."""
        kind = kind_of(_type_of(self.steps[-1])) if self.steps else ""
        if kind not in SCOPES:
            reason = "its last entry ends no destruction"
            raise CertificateMalformed(reason)
        return SCOPES[kind]

    def encode(self) -> bytes:
        """Write the file: JSON for people to read, in the one spelling that it has."""
        members: dict[str, Json] = {
            "v": self.version,
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
                version=_version(members.get("v")),
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
        gaps = [gap for gap in (_CLAIMED, self.certificate.scope.unproven) if gap]
        if not self.certificate.fingerprints:
            gaps.append("the fingerprints one by one: the root over them alone is shown")
        return (*gaps, *self.signed.not_proven)


def issue_certificate(
    entries: Sequence[tuple[bytes, int]],
    fingerprints: Sequence[bytes],
    *,
    signed: SignedCheckpoint,
    nodes: NodeReader,
) -> bytes:
    """Return the certificate of a destruction's entries (bytes and index) under a checkpoint.

    Prints that are not those the last entry binds, one a key, are left out, and those that would
    make the file too long to be read. Raises `ProofRefuted` or `CertificateMalformed` rather than
    hand out one that would not verify.
    """
    size = signed.checkpoint.size
    steps = tuple(
        Step(leaf=leaf, index=index, path=prove_inclusion(index, size, nodes))
        for leaf, index in entries
    )
    bound = _payload(steps[-1])
    known = (len(fingerprints), _prints_of(fingerprints)) == (bound["keys"], bound["fingerprints"])
    certificate = Certificate(
        note=signed.note, steps=steps, fingerprints=tuple(fingerprints) if known else ()
    )
    _verify_under(signed, certificate)
    data = certificate.encode()
    fits = len(data) <= MAX_CERTIFICATE_BYTES
    return data if fits else replace(certificate, fingerprints=()).encode()


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
    """Check that the entries are in the signed tree, and are the steps of one destruction."""
    for step in certificate.steps:
        verify_inclusion(
            leaf_hash(step.leaf),
            step.path,
            index=step.index,
            size=signed.checkpoint.size,
            root=signed.checkpoint.root,
        )
    payloads = [_payload(step) for step in certificate.steps]
    if len({str(payload.get("request")) for payload in payloads}) != 1:
        reason = "its entries are about several requests"
        raise ProofRefuted(reason)
    places = [step.index for step in certificate.steps]
    if places != sorted(set(places)):
        reason = "its entries are not in the order of a destruction"
        raise ProofRefuted(reason)
    order, end = payloads[-2:]
    if (order.get("keys"), order.get("root")) != (end.get("keys"), end.get("root")):
        reason = "other keys were destroyed than ordered"
        raise ProofRefuted(reason)
    if end.get("tree_size_before") != places[0]:
        reason = "its first entry is not the one that its last goes back to"
        raise ProofRefuted(reason)
    prints = certificate.fingerprints
    if prints and (len(prints), _prints_of(prints)) != (end.get("keys"), end.get("fingerprints")):
        reason = "its fingerprints are not those of the destroyed keys"
        raise ProofRefuted(reason)


def _prints_of(fingerprints: Iterable[bytes]) -> str:
    return encode_base64url(root(leaf_hash(one) for one in fingerprints))


def _says(certificate: Certificate) -> dict[str, Json]:
    """Return what follows from the entries, in plain members; raises `CertificateMalformed`."""
    scope = certificate.scope
    if certificate.version == _FIRST and scope != SCOPES["AccountErased"]:
        reason = "a file of the first version is of an account"
        raise CertificateMalformed(reason)
    hours = _hours(scope, certificate.steps)
    order, end = (_payload(step) for step in certificate.steps[-2:])
    epoch = _integer(end.get("epoch"))
    epochs: Json = {"without_them_from": epoch}
    if certificate.version <= _SECOND:
        epochs = {"last_that_held_them": epoch - 1, "first_without_them": epoch}
    told: dict[str, Json] = {} if certificate.version == _FIRST else {"scope": scope.name}
    for name, type_ in scope.tells.items():
        told[name] = _integer(order.get(name)) if type_ is int else _text(order.get(name))
    if scope.roles:
        acted = {name: end.get(f"{name}_as") for name in scope.roles}
        told["roles"] = {one: None if role is None else _text(role) for one, role in acted.items()}
    return told | {
        "hours": hours,
        "keys_destroyed": _integer(end.get("keys")),
        "key_stores": _integer(end.get("stores")),
        "epochs": epochs,
        "tree_sizes": {
            "before": _integer(end.get("tree_size_before")),
            "after": _integer(end.get("tree_size_after")),
        },
        "legal_basis": _text(end.get("legal_basis")),
        "not_reached": [_text(one) for one in _list(end.get("not_reached"))],
    }


def _hours(scope: Scope, steps: Sequence[Step]) -> dict[str, Json]:
    """Return when each step was written; raises `CertificateMalformed` for other entries."""
    if len(steps) != len(scope.steps):
        reason = f"it has {len(steps)} entries, not {len(scope.steps)}"
        raise CertificateMalformed(reason)
    hours: dict[str, Json] = {}
    for (name, kind), step in zip(scope.steps.items(), steps, strict=True):
        if kind_of(_type_of(step)) != kind:
            reason = f"an entry is no {kind}"
            raise CertificateMalformed(reason)
        hours[name] = _text(_entry(step).get("hour"))
    return hours


def _version(value: Json) -> int:
    version = _integer(value)
    if version not in {_FIRST, _SECOND, _VERSION}:
        reason = f"its version {version} is unknown here: take the newest metroledger"
        raise CertificateMalformed(reason)
    return version


def _entry(step: Step) -> Mapping[str, Json]:
    return _object(parse_canonical(step.leaf))


def _type_of(step: Step) -> str:
    return _text(_entry(step).get("type"))


def _payload(step: Step) -> Mapping[str, Json]:
    return _object(_entry(step).get("payload"))


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
