"""Both encryptions, the keyring by trial, and what no key opens."""

import os
import time

import hypothesis.strategies as st
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given

from adapters.dso.enedis.crypto import (
    BLOCK,
    ZIP_SIGNATURE,
    Algorithm,
    BadKeyring,
    CipherCut,
    FileKey,
    Keyring,
    NoKeyFits,
    decrypt,
    encrypt,
    format_keyring,
    parse_keyring,
)

OLD = FileKey(
    name="2025",
    algorithm=Algorithm.AES_128_CBC,
    secret=bytes.fromhex("000102030405060708090a0b0c0d0e0f"),
    iv=bytes.fromhex("101112131415161718191a1b1c1d1e1f"),
)
NEW = FileKey(name="2026-06", algorithm=Algorithm.AES_256_CBC, secret=bytes(range(32)))
KEYRING = Keyring((NEW, OLD))


def test_the_bytes_are_those_of_openssl() -> None:
    # printf 'PK\003\004a real zip would follow' | openssl enc -aes-128-cbc -K 00…0f -iv 10…1f
    # and the same with -aes-256-cbc -K 00…1f, its IV written before it
    plaintext = ZIP_SIGNATURE + b"a real zip would follow"
    iv = bytes(range(16, 32))
    old = bytes.fromhex("b6f248ea3e91088b3af1c5262ae656d761d68086687f25fe6a1bf6b8917f2e29")
    new = bytes.fromhex("55b6addaa6ef3664d9ed6db02294948a9557e24df44b544b0c64dda16b0a062f")
    assert encrypt(plaintext, OLD, iv=iv) == old
    assert encrypt(plaintext, NEW, iv=iv) == iv + new
    assert decrypt(old, KEYRING).plaintext == plaintext
    assert decrypt(iv + new, KEYRING).plaintext == plaintext


@given(st.binary(max_size=100), st.sampled_from([OLD, NEW]))
def test_what_was_encrypted_opens_and_names_its_key(body: bytes, key: FileKey) -> None:
    plaintext = ZIP_SIGNATURE + body
    opened = decrypt(encrypt(plaintext, key, iv=bytes(BLOCK)), KEYRING)
    assert (opened.key, opened.plaintext) == (key.name, plaintext)


def test_the_order_of_the_keys_changes_nothing() -> None:
    ciphertext = encrypt(ZIP_SIGNATURE + b"x", OLD, iv=bytes(BLOCK))
    for ring in ((OLD, NEW), (NEW, OLD), (OLD,)):
        assert decrypt(ciphertext, Keyring(ring)).key == "2025"


def test_a_wrong_key_is_told_from_a_cut_file() -> None:
    ciphertext = encrypt(ZIP_SIGNATURE + os.urandom(1_000), NEW, iv=os.urandom(16))
    with pytest.raises(NoKeyFits) as refused:
        decrypt(ciphertext, Keyring((OLD,)))
    assert refused.value.code == "no_key_fits"
    with pytest.raises(NoKeyFits):
        decrypt(ciphertext, Keyring())
    for cut in (1, 15, 17):
        with pytest.raises(CipherCut) as short:
            decrypt(ciphertext[:-cut], KEYRING)
        assert (short.value.code, short.value.key) == ("truncated_cipher", None)


def test_a_file_cut_between_blocks_is_told_by_its_padding() -> None:
    ciphertext = encrypt(ZIP_SIGNATURE + bytes(1_000), NEW, iv=bytes(16))
    with pytest.raises(CipherCut) as short:
        decrypt(ciphertext[:-BLOCK], KEYRING)
    assert short.value.key == "2026-06"


def test_padding_that_passes_by_chance_does_not_make_a_key_fit() -> None:
    found = 0
    for n in range(20_000):
        ciphertext = n.to_bytes(16) + n.to_bytes(16)
        padded = Cipher(AES(NEW.secret), CBC(ciphertext[:16])).decryptor().update(ciphertext[16:])
        if padded[-1] != 1:
            continue
        found += 1
        with pytest.raises(NoKeyFits):
            decrypt(ciphertext, KEYRING)
        if found == 20:
            return
    pytest.fail("no block with valid padding was met")


@pytest.mark.parametrize("tail", [b"\x00", b"\x11" * 17, b"\x02\x03\x03", b"\x01\x02"])
def test_wrong_padding_is_refused(tail: bytes) -> None:
    plain = (ZIP_SIGNATURE + bytes(64))[: 64 - len(tail)] + tail
    body = Cipher(AES(NEW.secret), CBC(bytes(16))).encryptor().update(plain)
    with pytest.raises(CipherCut):
        decrypt(bytes(16) + body, KEYRING)


def test_a_wrong_key_costs_one_block_whatever_the_size() -> None:
    ciphertext = bytes(32_000_000)
    ring = Keyring(
        tuple(
            FileKey(name=f"k{n}", algorithm=Algorithm.AES_256_CBC, secret=bytes([n]) * 32)
            for n in range(50)
        )
    )
    begun = time.perf_counter()
    with pytest.raises(NoKeyFits):
        decrypt(ciphertext, ring)
    assert time.perf_counter() - begun < 1


def test_a_keyring_written_out_reads_back_and_shows_no_secret() -> None:
    assert parse_keyring(format_keyring(KEYRING)) == KEYRING
    shown = repr(KEYRING)
    assert "2026-06" in shown
    assert NEW.secret.hex() not in shown
    assert repr(NEW.secret) not in shown
    assert OLD.iv is not None
    assert repr(OLD.iv) not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": {}}',
        '{"keys": [], "kyes": []}',
        '{"keys": [{"name": "a", "algorithm": "AES-256-CBC"}]}',
        '{"keys": [{"name": "a", "algorithm": "AES-256-CBC", "key": "00"}]}',
        '{"keys": [{"name": "a", "algorithm": "DES", "key": "00"}]}',
        '{"keys": [{"name": "a", "algorithm": "AES-256-CBC", "key": 7}]}',
        '{"keys": [{"name": "a", "algorithm": "AES-128-CBC", "key": "%s"}]}' % ("00" * 16),
        '{"keys": [{"name": "", "algorithm": "AES-256-CBC", "key": "%s"}]}' % ("00" * 32),
        '{"keys": [7]}',
    ],
)
def test_a_bad_keyring_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(BadKeyring, match=r"the keyring cannot be read.*correct it"):
        parse_keyring(text)


def test_two_keys_of_one_name_are_refused() -> None:
    with pytest.raises(BadKeyring, match="same name"):
        Keyring((NEW, NEW))
