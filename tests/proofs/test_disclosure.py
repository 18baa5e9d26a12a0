"""Canonical JSON and disclosures, against RFC 8785's own vectors and other programs."""

from __future__ import annotations

import json
import struct
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from proofs.canonical import JsonMalformed, parse_canonical
from proofs.disclosure import (
    Disclosure,
    DisclosureMalformed,
    canonical_json,
    commit,
    digest_of,
    verify_commitment,
)
from proofs.merkle import HashMalformed, ProofRefuted
from proofs.texts import TextMalformed, decode_base64, decode_base64url, decode_decimal
from tests.proofs.support import vectors

SALT = bytes(range(16))
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_json_is_that_of_rfc8785_py_and_reads_back(value: object) -> None:
    data = canonical_json(value)  # type: ignore[arg-type] # strategies are typed as object
    assert data == rfc8785.dumps(value)  # type: ignore[arg-type] # the same
    assert parse_canonical(data) == value


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "weird"])
def test_the_vectors_of_rfc_8785_hold(name: str) -> None:
    """All but `values`: one file writes an integer as 56.0, which is read as an integer."""
    folder = vectors("jcs-rfc8785")
    source = (folder / "input" / f"{name}.json").read_text()
    ours = canonical_json(json.loads(source, parse_float=lambda text: int(float(text))))
    assert ours == (folder / "output" / f"{name}.json").read_bytes()


def test_the_vector_of_floating_point_numbers_is_refused() -> None:
    source = (vectors("jcs-rfc8785") / "input" / "values.json").read_text()
    with pytest.raises(JsonMalformed):
        canonical_json(json.loads(source))


@pytest.mark.parametrize(
    "canonical",
    [
        b'{"":1,"a":[true,false,null],"b":"\xe2\x82\xac"}',
        b'"\\b\\t\\n\\f\\r\\"\\\\\\u0000\\u001f/\x7f"',
        '{"\U0001f602":1,"\ufb33":2}'.encode(),
        b"-9007199254740991",
    ],
)
def test_canonical_bytes_read_back_to_themselves(canonical: bytes) -> None:
    assert canonical_json(parse_canonical(canonical)) == canonical


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {1: 2},
        {"a": b"bytes"},
        {"a"},
        "\ud800",
        {"\udc00": 1},
    ],
)
def test_what_has_no_canonical_json_is_refused(value: object) -> None:
    with pytest.raises(JsonMalformed):
        canonical_json(value)  # type: ignore[arg-type] # that is the point


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'"\\u0041"',
        b'"\\/"',
        b"NaN",
        b"\xff",
        b'"\\ud800"',
        b"[" * 20_000,
        b"9" * 5_000,
        b"[" * 65 + b"]" * 65,
        b"\xef\xbb\xbf1",
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    with pytest.raises(JsonMalformed):
        parse_canonical(data)


@given(st.text(), VALUES, st.binary(min_size=16, max_size=32))
def test_a_disclosure_reads_back(name: str, value: object, salt: bytes) -> None:
    disclosure = Disclosure(salt=salt, name=name, value=value)  # type: ignore[arg-type] # as above
    assert Disclosure.decode(disclosure.encode()) == disclosure


def test_the_commitment_is_the_one_written_in_the_contract() -> None:
    encoded = Disclosure(salt=SALT, name="scope", value={"days": 3}).encode()
    assert encoded == "WyJBQUVDQXdRRkJnY0lDUW9MREEwT0R3Iiwic2NvcGUiLHsiZGF5cyI6M31d"
    digest = sha256(encoded.encode()).digest()
    assert digest_of(encoded) == digest
    commitment = sha256(b"metroledger/commitment/v1\x00" + digest + digest).digest()
    assert commit([digest, digest]) == commitment
    verify_commitment(commitment, [digest, digest])
    with pytest.raises(ProofRefuted):
        verify_commitment(commitment, [digest])
    with pytest.raises(HashMalformed):
        commit([digest[:31]])


@pytest.mark.parametrize("text", ["", "!", "é", "W10", "WyJBQSIsImEiLDFd", "WyJBQSIsImEiLDFd="])
def test_texts_that_are_no_disclosure_are_refused(text: str) -> None:
    with pytest.raises(DisclosureMalformed):
        Disclosure.decode(text)


def test_a_salt_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(DisclosureMalformed):
        Disclosure(salt=bytes(15), name="a", value=1)


def test_base64_and_decimals_have_one_spelling() -> None:
    assert decode_base64(b"AAE=") == decode_base64url("AAE") == struct.pack(">H", 1)
    for text in (b"AAF=", b"AAE", b"AAE=\n", b"AA E=", b"A-_=", "é".encode()):
        with pytest.raises(TextMalformed):
            decode_base64(text)
    for url in ("AAF", "AAE=", "AA+/", "é", "A"):
        with pytest.raises(TextMalformed):
            decode_base64url(url)
    assert decode_decimal(b"9223372036854775807") == 2**63 - 1
    for number in (b"", b"-1", b"+1", b"01", b"1 ", b"9223372036854775808", b"9" * 30):
        with pytest.raises(TextMalformed):
            decode_decimal(number)
