import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from keys import sealing
from keys.key import Key, fingerprint, new_id, new_secret
from keys.sealing import SealBroken, Sealing

KEY = Key(UUID("33333333-3333-4333-8333-333333333333"), bytes(range(32)))
EVENT = UUID("44444444-4444-4444-8444-444444444444").bytes


@given(st.binary(max_size=400), st.binary(max_size=100))
def test_what_was_sealed_opens(plaintext: bytes, leaf: bytes) -> None:
    sealed = sealing.seal(KEY, plaintext, leaf)
    assert len(sealed) == len(plaintext) + sealing.OVERHEAD
    assert sealing.open(KEY, sealed, leaf) == plaintext


def test_every_flipped_bit_of_a_sealed_payload_is_found() -> None:
    sealed = sealing.seal(KEY, b"payload", b"leaf")
    for position in range(len(sealed) * 8):
        broken = bytearray(sealed)
        broken[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            sealing.open(KEY, bytes(broken), b"leaf")


@pytest.mark.parametrize("length", range(sealing.OVERHEAD + 1))
def test_a_truncated_payload_is_found(length: int) -> None:
    with pytest.raises(SealBroken):
        sealing.open(KEY, sealing.seal(KEY, b"payload", b"leaf")[:length], b"leaf")


def test_a_payload_moved_to_another_event_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        sealing.open(KEY, sealing.seal(KEY, b"payload", b"leaf"), b"leaf of another event")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        sealing.open(Key(KEY.id, new_secret()), sealing.seal(KEY, b"payload", b"leaf"), b"leaf")


def test_what_the_bulk_form_seals_opens_one_by_one() -> None:
    keys = [Key(new_id(), new_secret()) for _ in range(50)]
    parts = [(key, f"payload {n}".encode(), f"leaf {n}".encode()) for n, key in enumerate(keys)]
    bulk = sealing.seal_many([Sealing(*part) for part in parts])
    assert [sealing.open(k, s, leaf) for s, (k, _, leaf) in zip(bulk, parts, strict=True)] == [
        plaintext for _, plaintext, _ in parts
    ]


def test_no_nonce_is_used_twice() -> None:
    sealed = sealing.seal_many([Sealing(KEY, b"", b"")] * 5_000)
    assert len({one[1:13] for one in sealed}) == 5_000


def test_the_bytes_of_derivations_never_change() -> None:
    assert sealing.salt(KEY, EVENT, "identity").hex() == "d498019b1e7a9f1be2c58459eb8f1ba5"
    assert (
        fingerprint(KEY).hex() == "38b5c6419290cbee7b9418d4aefdb76764fd3cf9416fa803867f8dfa0d5ab2e2"
    )
    sealed = bytes.fromhex(
        "01000102030405060708090a0b318e1daf383ece7b0f0b82803a28f3cb6384300f90f574"
    )
    assert sealing.open(KEY, sealed, b"leaf") == b"payload"


def test_salts_differ_by_key_event_and_group() -> None:
    salts = {
        sealing.salt(key, event, group)
        for key in (KEY, Key(new_id(), new_secret()))
        for event in (EVENT, new_id().bytes)
        for group in ("period", "identity", "")
    }
    assert len(salts) == 12


def test_no_secret_is_shown_by_repr() -> None:
    shown = repr(KEY) + repr(Sealing(KEY, b"", b"")) + str(SealBroken(KEY.id))
    assert KEY.secret.hex() not in shown
    assert repr(KEY.secret) not in shown


def test_the_public_aes_gcm_vectors_pass(shared: Path) -> None:
    """Wycheproof, for the parameters that we use: the cipher below us is what it says."""
    vectors = json.loads((shared / "vectors/wycheproof/aes_gcm_test.json").read_text())
    tried = 0
    for group in vectors["testGroups"]:
        if (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128):
            for case in group["tests"]:
                tried += 1
                key, iv, aad, msg, ct, tag = (
                    bytes.fromhex(case[part]) for part in ("key", "iv", "aad", "msg", "ct", "tag")
                )
                if case["result"] == "valid":
                    assert AESGCM(key).encrypt(iv, msg, aad) == ct + tag
                    assert AESGCM(key).decrypt(iv, ct + tag, aad) == msg
                else:
                    with pytest.raises(InvalidTag):
                        AESGCM(key).decrypt(iv, ct + tag, aad)
    assert tried > 50
