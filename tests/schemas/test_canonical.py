"""Canonical bytes are RFC 8785's, by the reference implementation and by the one in proofs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from domain.events.delivery import DeliveryReceived
from ledger.frames import groups_of
from proofs.canonical import canonical_json, parse_canonical
from proofs.texts import decode_base64url, encode_base64url
from schemas import canonical
from tests.schemas.events import events

if TYPE_CHECKING:
    from domain.events import Event
    from proofs.canonical import Json

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
ODD = (
    '"',
    "\\",
    "/",
    "\b\t\n\f\r",
    "\x00\x1f\x7f\x80",
    "é",
    "e\u0301",
    "\u2028\u2029",
    "\ufeff",
    "😀",
)


@given(VALUES)
@example("".join(ODD))
@example({"b": 1, "a": {"z": [], "": {}}, "A": ODD[0]})
@example([2**53 - 1, -(2**53) + 1, 0, True, False, None])
def test_every_value_we_store_is_spelled_as_rfc_8785_spells_it(value: Json) -> None:
    encoded = canonical.encode(value)
    assert encoded == rfc8785.dumps(value)
    assert encoded == canonical_json(value)
    assert parse_canonical(encoded) == json.loads(encoded) == value


@pytest.mark.parametrize("text", ODD)
def test_odd_characters_are_escaped_as_rfc_8785_escapes_them(text: str) -> None:
    assert canonical.encode(text) == rfc8785.dumps(text)


@given(events())
def test_every_event_and_group_is_spelled_as_rfc_8785_spells_it(event: Event) -> None:
    if isinstance(event, DeliveryReceived) and not all(map(str.isascii, event.counts)):
        return  # names of counts are reasons: ASCII
    members = msgspec.to_builtins(event)
    assert canonical.encode(event) == rfc8785.dumps(members) == canonical_json(members)
    for value in groups_of(event).values():
        assert value == rfc8785.dumps(json.loads(value))


@given(st.binary(max_size=100))
@example(b"\xfb\xff\xfe")
def test_base64url_has_one_spelling_and_is_that_of_the_proofs(data: bytes) -> None:
    text = canonical.b64(data)
    assert text == encode_base64url(data)
    assert canonical.b64_bytes(data) == text.encode()
    assert decode_base64url(text) == data
    assert not set(text) & set("+/=")
