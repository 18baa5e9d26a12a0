"""The two encryptions of SGE files, opened by trial over a keyring.

Until the night of 8 to 9 June 2026 a file is AES-128-CBC under a key and a fixed
IV, both given by Enedis; from then on AES-256-CBC whose IV is the file's first
16 bytes. Padding is PKCS #7 (RFC 5652, 6.3). No file says which key it is under,
and CBC authenticates nothing, so a key is said to fit when the plaintext begins
with a zip's signature *and* ends with valid padding: padding alone would be met
by chance once in 256 tries. What the plaintext is worth is then for the archive's
CRC and the document's schema to say.

A wrong key costs one block, whatever the file's size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from adapters.dso.refusal import Code, FileRefused
from domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

ZIP_SIGNATURE: Final = b"PK\x03\x04"
BLOCK: Final = 16


class Algorithm(StrEnum):
    """How a file is encrypted; the values are those of the keyring's text."""

    AES_128_CBC = "AES-128-CBC"
    """Key of 16 bytes and a given IV."""
    AES_256_CBC = "AES-256-CBC"
    """Key of 32 bytes; the IV is the first 16 bytes of each file."""


KEY_BYTES: Final[Mapping[Algorithm, int]] = {
    Algorithm.AES_128_CBC: 16,
    Algorithm.AES_256_CBC: 32,
}


class NoKeyFits(FileRefused):
    """No key of the keyring opens the file."""

    ADVICE = "the file is parked; ask the operator for its present key and add it to the keyring"

    def __init__(self, keys: int) -> None:
        super().__init__(Code.NO_KEY_FITS, f"none of the keyring's {keys} keys opens this file")


class CipherCut(FileRefused):
    """The ciphertext does not end where one can end; `key` opened its beginning, if any did."""

    def __init__(self, key: str | None) -> None:
        met = "it is no whole number of blocks" if key is None else "its end is not padding"
        opened = "" if key is None else f" under the key {key!r}"
        super().__init__(Code.TRUNCATED_CIPHER, f"the encrypted file was cut{opened}: {met}")
        self.key = key


class BadKeyring(Malformed):
    """The keyring's text is not one; `position` is the key's place from 1, 0 for the whole."""

    def __init__(self, position: int, detail: str) -> None:
        where = f", key {position}" if position else ""
        super().__init__(f"the keyring cannot be read{where}: {detail}: correct it and start again")
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """One key of an operator; `iv` is given for AES-128 only. Secrets are not shown."""

    name: str
    algorithm: Algorithm
    secret: bytes = field(repr=False)
    iv: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES[self.algorithm]:
            raise BadKeyring(0, f"a key of {self.algorithm} has {KEY_BYTES[self.algorithm]} bytes")
        if (self.iv is not None) != (self.algorithm is Algorithm.AES_128_CBC):
            raise BadKeyring(0, "an IV is given for AES-128-CBC, and for it only")
        if self.iv is not None and len(self.iv) != BLOCK:
            raise BadKeyring(0, f"an IV has {BLOCK} bytes")
        if not self.name:
            raise BadKeyring(0, "a key needs a name")


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys in the order in which they are tried: put the present one first."""

    keys: tuple[FileKey, ...] = ()

    def __post_init__(self) -> None:
        if len({key.name for key in self.keys}) != len(self.keys):
            raise BadKeyring(0, "two keys bear the same name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A plaintext and the name of the key that gave it."""

    key: str
    plaintext: bytes = field(repr=False)


def decrypt(content: bytes, keyring: Keyring) -> Opened:
    """Return the plaintext under the first key that fits; raise `NoKeyFits` or `CipherCut`."""
    if len(content) % BLOCK:
        raise CipherCut(None)
    for key in keyring.keys:
        iv, body = _split(content, key)
        if not _decrypt_blocks(key, iv, body[:BLOCK]).startswith(ZIP_SIGNATURE):
            continue
        plaintext = _unpad(_decrypt_blocks(key, iv, body))
        if plaintext is None:
            raise CipherCut(key.name)
        return Opened(key=key.name, plaintext=plaintext)
    raise NoKeyFits(len(keyring.keys))


def encrypt(plaintext: bytes, key: FileKey, *, iv: bytes) -> bytes:
    """Encrypt as Enedis does; for AES-256 the `iv` is written first, else it is the key's."""
    missing = BLOCK - len(plaintext) % BLOCK
    encryptor = Cipher(AES(key.secret), CBC(key.iv or iv)).encryptor()
    body = encryptor.update(plaintext + bytes([missing]) * missing) + encryptor.finalize()
    return body if key.iv else iv + body


def parse_keyring(text: str) -> Keyring:
    """Read a keyring; raise `BadKeyring`.

    The text is JSON: {"keys": [{"name", "algorithm", "key": hex, "iv": hex}, …]}, with
    "iv" for AES-128-CBC only. A member of another name is refused: it is a typing error.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise BadKeyring(0, "it is not JSON") from None
    if not isinstance(document, dict) or set(document) != {"keys"}:
        raise BadKeyring(0, 'it is an object with one member, "keys"')
    if not isinstance(document["keys"], list):
        raise BadKeyring(0, '"keys" is a list')
    return Keyring(tuple(_key(entry, at) for at, entry in enumerate(document["keys"], 1)))


def format_keyring(keyring: Keyring) -> str:
    """Write a keyring, secrets included, as `parse_keyring` reads it."""
    entries = [
        {"name": key.name, "algorithm": key.algorithm.value, "key": key.secret.hex()}
        | ({"iv": key.iv.hex()} if key.iv else {})
        for key in keyring.keys
    ]
    return json.dumps({"keys": entries}, indent=2) + "\n"


def _key(entry: object, position: int) -> FileKey:
    if not isinstance(entry, dict) or not set(entry) <= {"name", "algorithm", "key", "iv"}:
        raise BadKeyring(
            position, 'a key has "name", "algorithm", "key" and, for AES-128-CBC, "iv"'
        )
    try:
        return FileKey(
            name=entry["name"],
            algorithm=Algorithm(entry["algorithm"]),
            secret=bytes.fromhex(entry["key"]),
            iv=bytes.fromhex(entry["iv"]) if "iv" in entry else None,
        )
    except KeyError as missing:
        raise BadKeyring(position, f"member {missing} is missing") from None
    except (ValueError, TypeError):
        raise BadKeyring(position, "a member has a value that it cannot have") from None
    except BadKeyring as bad:
        raise BadKeyring(position, bad.detail) from None


def _split(content: bytes, key: FileKey) -> tuple[bytes, bytes]:
    if key.iv is not None:
        return key.iv, content
    return content[:BLOCK], content[BLOCK:]


def _decrypt_blocks(key: FileKey, iv: bytes, body: bytes) -> bytes:
    if not body:
        return b""
    decryptor = Cipher(AES(key.secret), CBC(iv)).decryptor()
    return decryptor.update(body) + decryptor.finalize()


def _unpad(padded: bytes) -> bytes | None:
    count = padded[-1]
    if not 1 <= count <= BLOCK or padded[-count:] != bytes([count]) * count:
        return None
    return padded[:-count]
