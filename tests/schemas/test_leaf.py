"""Leaves and private zones have one spelling each, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from domain.values import Role
from schemas import canonical
from schemas.leaf import (
    LEAF_MAX,
    READING_LEAF_SIZE,
    Leaf,
    LeafBroken,
    ReadingLeaf,
    decode_leaf,
    decode_reading_leaf,
    each_reading_leaf,
    encode_leaf,
    encode_reading_leaf,
    hour_of,
    rest_of,
)
from schemas.private import Private, PrivateBroken, decode_private, encode_private

IDS = st.binary(min_size=16, max_size=16)
NAMES = st.text(st.characters(max_codepoint=0x7F), min_size=1, max_size=8)
LEAVES = st.builds(
    Leaf,
    v=st.just(1),
    type=st.text(max_size=12),
    event=st.uuids(),
    hour=st.text(max_size=14),
    rest=st.text(max_size=43),
    commitment=st.none() | st.text(max_size=43),
    payload=st.none()
    | st.dictionaries(NAMES, st.integers(-9, 9) | st.text(max_size=5), max_size=3),
    consent=st.none() | st.uuids(),
    cites=st.none() | st.text(max_size=43),
    category=st.none() | st.text(max_size=8),
    last_day=st.none() | st.text(max_size=10),
)
PRIVATES = st.builds(
    Private,
    salt=IDS,
    stream=st.uuids(),
    version=st.integers(0, 2**32 - 1),
    at=st.datetimes(timezones=st.just(UTC)),
    key=st.uuids(),
    role=st.sampled_from(Role),
    actor=st.uuids(),
    extra=st.lists(IDS, max_size=3).map(b"".join),
)
LEAF = Leaf(v=1, type="A.v1", event=UUID(int=1), hour="2026-11-25T03Z", rest="r", payload={"a": 1})


@given(LEAVES)
def test_a_leaf_reads_back_as_it_was(leaf: Leaf) -> None:
    encoded = encode_leaf(leaf)
    assert decode_leaf(encoded) == leaf
    assert encoded == rfc8785.dumps(json.loads(encoded))


@given(st.data())
def test_any_other_spelling_of_a_leaf_is_refused(data: st.DataObject) -> None:
    members: dict[str, Any] = json.loads(encode_leaf(data.draw(LEAVES)))
    names = data.draw(st.permutations(list(members)))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    shuffled = {name: members[name] for name in names}
    text = json.dumps(shuffled, ensure_ascii=data.draw(st.booleans()), separators=separators)
    if text.encode() == canonical.encode(members):
        assert encode_leaf(decode_leaf(text.encode())) == text.encode()
    else:
        with pytest.raises(LeafBroken):
            decode_leaf(text.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"odd": 1},
        {"event": "not an id"},
        {"event": str(UUID(int=1)).upper().replace("0", "A")},
        {"consent": None},
        {"payload": None},
        {"payload": {"a": 1.5}},
        {"payload": {"a": [{"b": 2**53}]}},
        {"payload": {"a": {"é": 1}}},
        {"hour": 3},
        {"type": None},
    ],
)
def test_members_of_another_form_are_refused(change: dict[str, Any]) -> None:
    members = {**json.loads(encode_leaf(LEAF)), **change}
    with pytest.raises(LeafBroken):
        decode_leaf(canonical.encode(members))


@pytest.mark.parametrize("name", ["v", "type", "event", "hour", "rest"])
def test_a_leaf_lacking_a_member_is_refused(name: str) -> None:
    members = json.loads(encode_leaf(LEAF))
    del members[name]
    with pytest.raises(LeafBroken):
        decode_leaf(canonical.encode(members))


@given(LEAVES, st.data())
def test_a_flipped_byte_is_refused_or_says_something_else(leaf: Leaf, data: st.DataObject) -> None:
    encoded = bytearray(encode_leaf(leaf))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_leaf(bytes(encoded))
    except LeafBroken:
        return
    assert other != leaf
    assert encode_leaf(other) == bytes(encoded)


def test_a_leaf_above_the_limit_is_refused_when_it_is_written() -> None:
    rest = LEAF_MAX - len(encode_leaf(Leaf(v=1, type="", event=UUID(int=1), hour="", rest="")))
    assert (
        len(encode_leaf(Leaf(v=1, type="", event=UUID(int=1), hour="", rest="r" * rest)))
        == LEAF_MAX
    )
    with pytest.raises(LeafBroken):
        encode_leaf(Leaf(v=1, type="", event=UUID(int=1), hour="", rest="r" * (rest + 1)))


@given(
    st.lists(
        st.builds(ReadingLeaf, st.integers(0, 255), IDS, IDS, IDS.map(lambda i: i * 2)), max_size=4
    )
)
def test_reading_leaves_are_65_bytes_alone_and_end_to_end(leaves: list[ReadingLeaf]) -> None:
    encoded = list(map(encode_reading_leaf, leaves))
    assert {len(one) for one in encoded} <= {READING_LEAF_SIZE}
    assert list(map(decode_reading_leaf, encoded)) == leaves
    assert [ReadingLeaf(*one) for one in each_reading_leaf(b"".join(encoded))] == leaves


@pytest.mark.parametrize("size", [0, 1, 64, 66, 130])
def test_another_length_is_no_reading_leaf(size: int) -> None:
    with pytest.raises(LeafBroken, match=f"{size} bytes"):
        decode_reading_leaf(bytes(size))


@given(PRIVATES)
def test_a_private_zone_reads_back_as_it_was(private: Private) -> None:
    encoded = encode_private(private)
    assert decode_private(encoded) == private
    assert encode_private(decode_private(encoded)) == encoded


@given(PRIVATES, st.data())
def test_altered_private_bytes_are_refused_or_say_something_else(
    private: Private, data: st.DataObject
) -> None:
    encoded = encode_private(private)
    at = data.draw(st.integers(0, len(encoded) - 1))
    flipped = bytearray(encoded)
    flipped[at] ^= data.draw(st.integers(1, 255))
    for altered in (bytes(flipped), encoded[:at], encoded + b"\0", b""):
        try:
            other = decode_private(altered)
        except PrivateBroken:
            continue
        assert other != private
        assert encode_private(other) == altered


@given(st.binary(max_size=120))
def test_no_bytes_crash_the_reader_of_private_zones(data: bytes) -> None:
    for encoded in (data, b"\1" + data):
        try:
            assert encode_private(decode_private(encoded)) == encoded
        except PrivateBroken:
            continue


def test_the_hour_of_a_leaf_is_the_utc_hour() -> None:
    assert hour_of(datetime(2026, 11, 25, 3, 59, 59, 999999, tzinfo=UTC)) == "2026-11-25T03Z"


def test_the_rest_is_the_digest_over_the_headers_digest_and_the_private_zone() -> None:
    header, private = hashlib.sha256(b"header").digest(), b"private"
    assert rest_of(header, private) == canonical.b64(hashlib.sha256(header + private).digest())
