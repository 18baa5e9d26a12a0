"""Published texts: terms of use, and the wording of what a consent asks. Public."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from domain.events.base import Event


class TextKind(StrEnum):
    """What a published text is for."""

    TERMS_OF_USE = "terms_of_use"
    CONSENT_WORDING = "consent_wording"
    PAPER_FORM = "paper_form"


class TermsPublished(Event, frozen=True, kw_only=True):
    """A version of a text was published; the text itself is kept, to be shown again.

    `text` holds at most 12 KiB so that the leaf stays under its 16 KiB;
    `sha256` is the lower-case hexadecimal digest of its UTF-8 bytes.
    """

    TOPIC: ClassVar[str] = "TermsPublished.v1"

    kind: TextKind
    version: str
    language: str
    text: str
    sha256: str
