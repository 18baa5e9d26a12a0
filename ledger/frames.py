"""Seal an event into its stored frame, and open it again: the only place that does.

`seal_event` turns a drafted event into leaf, private zone and sealed payload;
`open_event` checks each against the others before it believes any of them. What
cannot be read because its key was destroyed on order comes back as `Redacted`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from domain.errors import Corrupt
from keys import sealing
from keys.redaction import Redacted, missing
from ledger.record import Frame
from proofs.disclosure import commit
from schemas import canonical
from schemas.leaf import Leaf, decode_leaf, encode_leaf, hour_of, rest_of
from schemas.private import NO_KEY, Private, decode_private, encode_private
from schemas.registry import EVENT_TYPES
from schemas.upcasting import upcast

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import datetime

    from domain.events import Event
    from domain.values import Actor
    from keys.key import Key


class FrameBroken(Corrupt):
    """A stored event's parts do not fit together."""

    def __init__(self, event: UUID | None, why: str) -> None:
        """Take the event's random id and what does not fit."""
        super().__init__(
            f"stored event {event}: {why}; it was altered or is not ours; run 'metroledger audit'"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event about to be sealed, at its place in a stream and in a commit.

    The two `originator` names are the library's. `header` is the digest of the commit's
    header, which the leaf binds; `key` is None for an event without a data subject;
    `extra` goes into the private zone.
    """

    originator_id: UUID
    originator_version: int
    event: Event
    header: bytes
    key: Key | None
    at: datetime
    actor: Actor
    extra: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A stored event, verified: its leaf, its private zone, and what it says."""

    originator_id: UUID
    originator_version: int
    event: Event | Redacted
    leaf: Leaf
    leaf_bytes: bytes
    private: Private

    @property
    def topic(self) -> str:
        """The stored type, which is known even of a redacted event."""
        return self.leaf.type


def groups_of(event: Event) -> dict[str, bytes]:
    """Return the canonical JSON of each disclosure group, in the schema's order."""
    return {
        group: canonical.encode({name: getattr(event, name) for name in fields})
        for group, fields in event.GROUPS.items()
    }


def disclosures_of(key: Key, event_id: UUID, groups: Mapping[str, bytes]) -> list[str]:
    """Return the RFC 9901 disclosure of each group; the salts come from the key."""
    return [
        disclosure(sealing.salt(key, event_id.bytes, group), group, value).decode("ascii")
        for group, value in groups.items()
    ]


def disclosure(salt: bytes, group: str, value: bytes) -> bytes:
    """Return base64url of `[salt, name, value]`, `value` being canonical JSON already."""
    return canonical.b64_bytes(
        b'["' + canonical.b64_bytes(salt) + b'","' + group.encode() + b'",' + value + b"]"
    )


def commitment_over(disclosures: list[str]) -> bytes:
    """Return the commitment over disclosures in the schema's order."""
    return commit([hashlib.sha256(text.encode()).digest() for text in disclosures])


def seal_event(draft: Draft) -> Frame:
    """Seal a drafted event: leaf, private zone, and the payload under its key."""
    event_id = UUID(bytes=os.urandom(16))
    private = encode_private(
        Private(
            salt=os.urandom(16),
            stream=draft.originator_id,
            version=draft.originator_version,
            at=draft.at,
            key=draft.key.id if draft.key else NO_KEY,
            role=draft.actor.role,
            actor=draft.actor.id,
            extra=draft.extra,
        )
    )
    groups = groups_of(draft.event)
    members = _leaf_members(draft, event_id, private)
    if draft.key is None:
        return Frame(
            leaf=encode_leaf(Leaf(**members, payload=_public(draft.event))), private=private
        )
    commitment = commitment_over(disclosures_of(draft.key, event_id, groups))
    leaf = encode_leaf(Leaf(**members, commitment=canonical.b64(commitment)))
    plaintext = canonical.encode({group: msgspec.Raw(value) for group, value in groups.items()})
    return Frame(leaf=leaf, private=private, sealed=sealing.seal(draft.key, plaintext, leaf))


def _leaf_members(draft: Draft, event_id: UUID, private: bytes) -> dict[str, Any]:
    shown = {name: getattr(draft.event, name) for name in draft.event.LEAF}
    return {
        "v": 1,
        "type": draft.event.TOPIC,
        "event": event_id,
        "hour": hour_of(draft.at),
        "rest": rest_of(draft.header, private),
        **{
            name: value if isinstance(value, str | UUID | None) else value.isoformat()
            for name, value in shown.items()
        },
    }


def _public(event: Event) -> dict[str, Any]:
    shown = set(event.LEAF)
    payload: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in payload.items() if name not in shown}


def key_id_of(frame: Frame) -> UUID | None:
    """Return the id of the key that seals a frame's payload, None for a public one."""
    key = decode_private(frame.private).key
    return None if key == NO_KEY else key


def open_event(
    frame: Frame, header: bytes, keys: Mapping[UUID, Key], ordered: Container[UUID]
) -> Opened:
    """Verify and open a stored event with the keys that were fetched for it.

    `header` is the digest of its commit's header.

    Raises a `Corrupt` leaf where anything does not fit: `FrameBroken`, `SealBroken`,
    or `KeyMissing` when the key is gone and no leaf orders its destruction.
    """
    leaf = decode_leaf(frame.leaf)
    private = decode_private(frame.private)
    if rest_of(header, frame.private) != leaf.rest:
        raise FrameBroken(leaf.event, "its leaf binds another header or private zone")
    return Opened(
        originator_id=private.stream,
        originator_version=private.version,
        event=_open_payload(frame, leaf, private, keys, ordered),
        leaf=leaf,
        leaf_bytes=frame.leaf,
        private=private,
    )


def _open_payload(
    frame: Frame,
    leaf: Leaf,
    private: Private,
    keys: Mapping[UUID, Key],
    ordered: Container[UUID],
) -> Event | Redacted:
    if private.key == NO_KEY:
        return event_from(leaf, leaf.payload or {})
    key = keys.get(private.key)
    if key is None:
        return missing(leaf.type, private.key, ordered)
    groups = open_groups(frame, leaf, key)
    try:
        members = _flatten(groups)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise FrameBroken(leaf.event, "a group of its payload is no JSON object") from error
    return event_from(leaf, members)


def open_groups(frame: Frame, leaf: Leaf, key: Key) -> dict[str, bytes]:
    """Return the JSON of each disclosure group, verified against the leaf's commitment."""
    plaintext = sealing.open(key, frame.sealed, frame.leaf)
    try:
        raw = msgspec.json.decode(plaintext, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise FrameBroken(leaf.event, "its payload is not JSON") from error
    known = EVENT_TYPES.get(leaf.type)
    order = known.GROUPS if known else sorted(raw)
    groups = {group: bytes(raw[group]) for group in order if group in raw}
    commitment = commitment_over(disclosures_of(key, leaf.event, groups))
    if len(groups) != len(raw) or canonical.b64(commitment) != leaf.commitment:
        raise FrameBroken(leaf.event, "its payload is not what its leaf commits to")
    return groups


def _flatten(groups: Mapping[str, bytes]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for value in groups.values():
        members.update(msgspec.json.decode(value, type=dict[str, Any]))
    return members


def event_from(leaf: Leaf, members: dict[str, Any]) -> Event:
    """Build the event out of what its leaf shows and its payload's members, upcast."""
    known = EVENT_TYPES.get(leaf.type)
    shown = {name: getattr(leaf, name) for name in (known.LEAF if known else ())}
    topic, upcasted = upcast(leaf.type, {**members, **shown})
    try:
        return msgspec.convert(upcasted, EVENT_TYPES[topic])
    except msgspec.ValidationError as error:
        raise FrameBroken(leaf.event, f"its members are not those of {topic}") from error
