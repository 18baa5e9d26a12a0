"""Without evidence there is no consent: channel, wording and its digest, language, act.

The regulation puts the proof on whoever collects (GDPR article 7(1)). So the
evidence names the published text that was shown, by stream, version, language and
digest, and all four must meet: what was shown can be shown again.
"""

from typing import Final

from domain.aggregates import terms
from domain.aggregates.terms import Terms
from domain.errors import Refused
from domain.events.consent import Evidence
from domain.events.terms import TextKind
from domain.values import Stream

WORDINGS: Final = frozenset({TextKind.CONSENT_WORDING, TextKind.PAPER_FORM})
"""The kinds of text that can ask for a consent."""


class EvidenceMissing(Refused):
    """A part of the evidence was not given."""

    def __init__(self, lacking: tuple[str, ...]) -> None:
        """Take the names of the parts that are blank."""
        super().__init__(
            f"Without evidence there is no consent, and this lacks: {', '.join(lacking)}. "
            "Give it, as it was when the person acted."
        )
        self.lacking = lacking


class WordingNotPublished(Refused):
    """The evidence names a text that was not published so."""

    def __init__(self, version: str, language: str) -> None:
        """Take the version and the language that the evidence names."""
        super().__init__(
            f"No wording of a consent was published as version {version!r} in {language!r} under "
            "this id. Publish what was shown to the person, then record the act."
        )
        self.version = version
        self.language = language


class WordingDiffers(Refused):
    """The text that was shown is not the one that was published."""

    def __init__(self, version: str, language: str) -> None:
        """Take the version and the language that the evidence names."""
        super().__init__(
            f"Version {version!r} in {language!r} was published with another text than the one the "
            "person was shown (their digests differ). Find out what was shown before going on."
        )
        self.version = version
        self.language = language


def require_evidence(evidence: Evidence, wording: Stream[Terms]) -> None:
    """Raise why an act is not proven.

    Raises `EvidenceMissing`, `WordingNotPublished` or `WordingDiffers`.
    """
    _require_parts(evidence)
    version, language = evidence.wording_version, evidence.language
    known = terms.find(wording.state, version=version, language=language)
    asks_consent = wording.state.kind in WORDINGS
    if evidence.wording != wording.id or not asks_consent or known is None:
        raise WordingNotPublished(version, language)
    if known.sha256 != evidence.sha256:
        raise WordingDiffers(version, language)


def _require_parts(evidence: Evidence) -> None:
    parts = ("channel", "wording_version", "sha256", "language", "act")
    lacking = tuple(part for part in parts if not str(getattr(evidence, part)).strip())
    if lacking:
        raise EvidenceMissing(lacking)
