"""Why an operator's file cannot be read: one base for every operator's codec.

A refused file is parked whole, sealed, with its code; nothing of it is applied.
Messages say what is wrong and where, in counts and positions only: never a
word of the file's content, which may be a person's.
"""

from __future__ import annotations

from enum import StrEnum

from domain.errors import Malformed


class Code(StrEnum):
    """What a file is instead of what it should be.

    The values are stable: they are stored with the parked file, counted by the
    metrics and explained in the operating manual.
    """

    EMPTY = "empty"
    """No byte, or a document without one."""
    TOO_LARGE = "too_large"
    """Longer than any genuine file or part of one."""
    NO_KEY_FITS = "no_key_fits"
    """Neither plain nor under a key of the keyring."""
    TRUNCATED_CIPHER = "truncated_cipher"
    """The ciphertext ends where none can end."""
    TRUNCATED_ZIP = "truncated_zip"
    """The archive, or the document in it, ends too early."""
    TRAILING_BYTES = "trailing_bytes"
    """Something follows the end of the archive."""
    BOMB = "bomb"
    """It would inflate beyond the limits, or beyond what it says."""
    CRC = "crc"
    """The document is not the one that the archive's checksum was made of."""
    ZIP_ENTRIES = "zip_entries"
    """The archive holds none or several documents."""
    ZIP_LAYOUT = "zip_layout"
    """The archive's parts overlap, leave gaps or contradict each other."""
    ZIP64 = "zip64"
    """The archive is in the 64-bit form."""
    ZIP_ENCRYPTED = "zip_encrypted"
    """The archive has a password of its own."""
    ZIP_METHOD = "zip_method"
    """The archive is packed by other means than deflate."""
    ENTRY_NAME = "entry_name"
    """The document in the archive has a path, two names, or not the archive's."""
    ENTRY_KIND = "entry_kind"
    """The archive holds a link, a directory or a device."""
    ENCODING = "encoding"
    """The document is not in UTF-8."""
    XML = "xml"
    """The document is not well-formed."""
    ENTITY = "entity"
    """The document declares a type, and so could declare entities."""
    INSTRUCTION = "instruction"
    """The document holds a processing instruction."""
    TOO_MANY_NAMES = "too_many_names"
    """The document is made of names that nobody knows."""
    NOT_R151 = "not_r151"
    """A document of another flow."""
    UNIT = "unit"
    """Quantities in units that the flow does not have."""
    SCHEMA = "schema"
    """Something is missing, twice there, or out of its form."""
    NAME = "name"
    """The file's name says other things than its document."""
    NOT_ENCRYPTED = "not_encrypted"
    """It was delivered plain, where the operator's files come under a key."""
    FOREIGN_NAME = "foreign_name"
    """The file came by itself under a name that is none of the operator's."""


class FileRefused(Malformed):
    """The file is not what it should be: `code` says what it is, `detail` what was met."""

    ADVICE = "the file is parked; ask the operator to send it again"

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(f"{detail}: {self.ADVICE}")
        self.code = code
        self.detail = detail
