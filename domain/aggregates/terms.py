"""A published text in its successive versions: terms of use, a consent's wording, a form.

One stream is one text. A version is published once per language and never changed:
what a person was shown can be shown again, letter by letter.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.terms import TermsPublished, TextKind

TEXT_BYTES_MAX: Final = 12 * 1024
"""A public text travels in its leaf, and a leaf holds 16 KiB in all."""


class TermsStatus(StrEnum):
    """Whether any version of the text was published."""

    UNPUBLISHED = "unpublished"
    PUBLISHED = "published"


TRANSITIONS: Final[Table[TermsStatus]] = {
    TermsStatus.UNPUBLISHED: {TermsPublished: TermsStatus.PUBLISHED},
    TermsStatus.PUBLISHED: {TermsPublished: TermsStatus.PUBLISHED},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published version in one language, with the digest of its text."""

    version: str
    language: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the text is for, and its versions in the order of their publication."""

    status: TermsStatus = TermsStatus.UNPUBLISHED
    kind: TextKind | None = None
    versions: tuple[Version, ...] = ()


INITIAL: Final = Terms()


class TextTooLong(Refused):
    """The text does not fit in a leaf."""

    def __init__(self, size: int) -> None:
        """Take the text's size in bytes of UTF-8."""
        super().__init__(
            f"The text has {size} bytes; a published text has {TEXT_BYTES_MAX} at most. "
            "Shorten it, or publish its parts as texts of their own."
        )
        self.size = size


class TextEmpty(Refused):
    """The text, its version or its language is blank."""

    def __init__(self, lacking: str) -> None:
        """Take the name of what is blank."""
        super().__init__(f"The {lacking} is blank: nobody could be shown it. Give it and retry.")
        self.lacking = lacking


class VersionPublishedOtherwise(Refused):
    """This version was published already in this language, with another text."""

    def __init__(self, version: str, language: str) -> None:
        """Take the version and the language."""
        super().__init__(
            f"Version {version!r} was published already in {language!r} with another text. "
            "A published text never changes: give the new text a new version."
        )
        self.version = version
        self.language = language


class AnotherKindOfText(Refused):
    """The stream holds versions of a text that is for something else."""

    def __init__(self, kind: TextKind, asked: TextKind) -> None:
        """Take what the text is for, and what was asked."""
        super().__init__(
            f"This text is published as {kind.value}, not as {asked.value}. "
            "Publish a text of another kind under an id of its own."
        )
        self.kind = kind
        self.asked = asked


def evolve(state: Terms, event: Happened) -> Terms:
    """Return the text after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    if not isinstance(event, TermsPublished):
        return moved
    published = Version(version=event.version, language=event.language, sha256=event.sha256)
    return replace(moved, kind=event.kind, versions=(*state.versions, published))


def publish(
    state: Terms, *, kind: TextKind, version: str, language: str, text: str
) -> tuple[TermsPublished, ...]:
    """Decide the publication of a version.

    Raises `TextEmpty`, `TextTooLong`, `AnotherKindOfText` and
    `VersionPublishedOtherwise`.
    """
    if state.kind not in {None, kind}:
        raise AnotherKindOfText(state.kind or kind, kind)
    digest = sha256_of(text)
    known = find(state, version=version, language=language)
    if known is not None:
        if known.sha256 != digest:
            raise VersionPublishedOtherwise(version, language)
        return ()
    _require_showable(version, language, text)
    return (
        TermsPublished(kind=kind, version=version, language=language, text=text, sha256=digest),
    )


def sha256_of(text: str) -> str:
    """Return the lower-case hexadecimal SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def find(state: Terms, *, version: str, language: str) -> Version | None:
    """Return what was published under a version in a language, None if nothing was."""
    for known in state.versions:
        if (known.version, known.language) == (version, language):
            return known
    return None


def current_version(state: Terms) -> str | None:
    """Return the version that is published in whatever language since last, None before any."""
    return state.versions[-1].version if state.versions else None


def _require_showable(version: str, language: str, text: str) -> None:
    for name, value in (("version", version), ("language", language), ("text", text)):
        if not value.strip():
            raise TextEmpty(name)
    size = len(text.encode())
    if size > TEXT_BYTES_MAX:
        raise TextTooLong(size)
