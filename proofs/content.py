"""What a receipt carries in `extra`: the entry, and what of its content is opened.

Canonical JSON; hashes and leaves in base64url without padding::

    {"v":1, "kind":"event",   "leaf":…, "disclosures":[D, …]}
    {"v":1, "kind":"reading", "leaf":…, "disclosures":[D],
     "delivery":{"leaf":…, "index":i, "size":n, "path":[…]}}

A reading is no entry of the log itself: it is one of the leaves under its
delivery's root, and the delivery's leaf is the entry. Where only some groups are
opened, ``"digests":[…]`` gives the digests of all of them in order, so that the
commitment can still be recomputed. A member more or less is refused, and
`digests` where it would say nothing new: `extra` has one spelling.

The transparency log does not authenticate `extra`. `open_content` does, from the
entry on: whatever is in it is bound to the entry by a hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from domain.errors import Malformed
from proofs.canonical import Json, JsonMalformed, canonical_json, parse_canonical
from proofs.disclosure import Disclosure, digest_of, verify_commitment
from proofs.merkle import ProofRefuted, leaf_hash, verify_inclusion
from proofs.texts import TextMalformed, decode_base64url, encode_base64url

READING_LEAF_BYTES = 65
READING_KINDS = {
    1: "IndexReceived.v1",
    2: "IntervalReceived.v1",
    3: "LoadCurveDayReceived.v1",
    4: "MaximumPowerReceived.v1",
}
_VERSION = 1
_DELIVERY_TYPE = "DeliveryReceived.v"


class ContentMalformed(Malformed):
    """The `extra` part of a receipt is not as we write it."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong; never show the content, which may be personal."""
        super().__init__(f"the receipt's content is malformed: {reason}; ask for the file again")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPath:
    """Where a reading is under its delivery's root: `index` of `size` leaves.

    `leaf` is the delivery's entry in the log, `path` the siblings, 32 bytes each.
    """

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of a receipt: an event's leaf, or a reading's with its `delivery`.

    `disclosures` are encoded (D), in the schema's order. `digests` are those of
    all groups where some are kept back; None where all are opened, or none.
    """

    leaf: bytes
    disclosures: tuple[str, ...] = ()
    digests: tuple[bytes, ...] | None = None
    delivery: DeliveryPath | None = None

    @property
    def entry(self) -> bytes:
        """The entry of the log that the receipt's path leads from."""
        return self.leaf if self.delivery is None else self.delivery.leaf

    def encode(self) -> bytes:
        """Write the canonical JSON."""
        members: dict[str, Json] = {
            "v": _VERSION,
            "kind": "event" if self.delivery is None else "reading",
            "leaf": encode_base64url(self.leaf),
            "disclosures": self.disclosures,
        }
        if self.digests is not None:
            members["digests"] = [encode_base64url(digest) for digest in self.digests]
        if self.delivery is not None:
            members["delivery"] = {
                "leaf": encode_base64url(self.delivery.leaf),
                "index": self.delivery.index,
                "size": self.delivery.size,
                "path": [encode_base64url(step) for step in self.delivery.path],
            }
        return canonical_json(members)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote; `ContentMalformed` for anything else."""
        try:
            members = _members(parse_canonical(data))
            content = cls(
                leaf=_bytes(members.get("leaf")),
                disclosures=tuple(_text(item) for item in _items(members.get("disclosures"))),
                digests=_hashes(members["digests"]) if "digests" in members else None,
                delivery=_delivery(members["delivery"]) if "delivery" in members else None,
            )
        except (JsonMalformed, TextMalformed) as malformed:
            reason = "it is not canonical JSON of base64url texts"
            raise ContentMalformed(reason) from malformed
        if content.encode() != data:
            reason = "it has other members than version 1 has"
            raise ContentMalformed(reason)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingLeaf:
    """The leaf of one reading: what it is, under which consent, and its commitment (32 bytes)."""

    type: str
    event: UUID
    consent: UUID
    commitment: bytes

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read kind (1 byte), event id (16), consent id (16), commitment (32)."""
        if len(data) != READING_LEAF_BYTES or data[0] not in READING_KINDS:
            reason = f"a reading's leaf is {READING_LEAF_BYTES} bytes of a known kind"
            raise ContentMalformed(reason)
        return cls(
            type=READING_KINDS[data[0]],
            event=UUID(bytes=data[1:17]),
            consent=UUID(bytes=data[17:33]),
            commitment=data[33:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Content whose every part is bound to the entry.

    `entry` is the entry's JSON: the event's leaf, or the delivery's. `disclosed`
    maps the names of opened groups to their values. `kept_back` counts groups that
    are committed to but not opened; None if nothing was opened and so nothing counted.
    """

    entry: Mapping[str, Json] = field(repr=False)
    reading: ReadingLeaf | None
    disclosed: Mapping[str, Json] = field(repr=False)
    kept_back: int | None


def open_content(content: Content) -> Opened:
    """Check that all of the content hangs on its entry, and return it.

    Raises `ProofRefuted` where a hash does not fit, `ContentMalformed` or
    `DisclosureMalformed` where a part is not what its format says. That the entry
    is in a log is for `proofs.receipt` to check.
    """
    try:
        entry = _members(parse_canonical(content.entry))
    except JsonMalformed as malformed:
        reason = "its entry is not canonical JSON"
        raise ContentMalformed(reason) from malformed
    reading = None
    if content.delivery is None:
        commitment = _commitment(entry)
    else:
        reading = ReadingLeaf.decode(content.leaf)
        commitment = reading.commitment
        _verify_delivery(content.leaf, content.delivery, entry)
    disclosed, kept_back = _open_disclosures(content, commitment)
    return Opened(entry=entry, reading=reading, disclosed=disclosed, kept_back=kept_back)


def _verify_delivery(leaf: bytes, delivery: DeliveryPath, entry: Mapping[str, Json]) -> None:
    """Check that a reading's leaf is under the root that its delivery's leaf states."""
    payload = _members(entry.get("payload"))
    if not _text(entry.get("type")).startswith(_DELIVERY_TYPE):
        reason = "its entry is not a delivery"
        raise ContentMalformed(reason)
    if payload.get("readings") != delivery.size:
        reason = "the delivery states another number of readings"
        raise ProofRefuted(reason)
    try:
        root = decode_base64url(_text(payload.get("root")))
    except TextMalformed as malformed:
        reason = "the delivery states no root"
        raise ContentMalformed(reason) from malformed
    verify_inclusion(
        leaf_hash(leaf),
        delivery.path,
        index=delivery.index,
        size=delivery.size,
        root=root,
    )


def _commitment(entry: Mapping[str, Json]) -> bytes | None:
    if "commitment" not in entry:
        return None
    try:
        return decode_base64url(_text(entry["commitment"]))
    except TextMalformed as malformed:
        reason = "the leaf's commitment is not base64url"
        raise ContentMalformed(reason) from malformed


def _open_disclosures(
    content: Content,
    commitment: bytes | None,
) -> tuple[dict[str, Json], int | None]:
    """Return what is disclosed by name, and how many groups are kept back."""
    if not content.disclosures and content.digests is None:
        return {}, None
    opened = [Disclosure.decode(text) for text in content.disclosures]
    shown = [digest_of(text) for text in content.disclosures]
    digests = shown if content.digests is None else list(content.digests)
    # With all groups shown, `digests` would be a second spelling of the same receipt.
    needless = content.digests is not None and len(shown) == len(digests)
    if commitment is None or needless or not _in_order(shown, digests):
        reason = "its disclosures are not those of its leaf"
        raise ContentMalformed(reason)
    verify_commitment(commitment, digests)
    disclosed = {disclosure.name: disclosure.value for disclosure in opened}
    if len(disclosed) != len(opened):
        reason = "two disclosures have one name"
        raise ContentMalformed(reason)
    return disclosed, len(digests) - len(shown)


def _in_order(shown: list[bytes], digests: list[bytes]) -> bool:
    """Tell whether the shown digests are among all digests, in the same order."""
    remaining = iter(digests)
    return all(digest in remaining for digest in shown)


def _members(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        reason = "a part is not an object"
        raise ContentMalformed(reason)
    return value


def _items(value: Json) -> tuple[Json, ...]:
    if not isinstance(value, list):
        reason = "a part is not an array"
        raise ContentMalformed(reason)
    return tuple(value)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        reason = "a part is not a text"
        raise ContentMalformed(reason)
    return value


def _bytes(value: Json) -> bytes:
    return decode_base64url(_text(value))


def _hashes(value: Json) -> tuple[bytes, ...]:
    return tuple(_bytes(item) for item in _items(value))


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        reason = "a part is not an integer"
        raise ContentMalformed(reason)
    return value


def _delivery(value: Json) -> DeliveryPath:
    members = _members(value)
    return DeliveryPath(
        leaf=_bytes(members.get("leaf")),
        index=_number(members.get("index")),
        size=_number(members.get("size")),
        path=_hashes(members.get("path")),
    )
