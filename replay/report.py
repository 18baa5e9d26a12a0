"""One audit, from the log to its report: integrity, coverage, and what was not looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from domain.errors import Corrupt
from replay.audit import ClosedAudit
from replay.findings import Breach, Covered, Finding
from replay.integrity import Integrity
from replay.open_audit import OpenAudit, ordered_by
from replay.refold import Refold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from keys.key import Key
    from ledger.log import CommitLog
    from proofs.checkpoint import Checkpoint
    from replay.refold import Replayed

_UNPARSABLE: Final = (Corrupt, KeyError, TypeError, ValueError, AttributeError)
"""What a leaf written by a forger can do to whoever reads its members."""


@dataclass(slots=True)
class Report:
    """What an audit came to. `mode` is "closed" or "open"; counts are of readings."""

    mode: str
    size: int = 0
    commits: int = 0
    voids: int = 0
    readings: int = 0
    covered: int = 0
    opened: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is audited: a log, the checkpoint that was published of it, its public entries."""

    log: CommitLog
    origin: str
    published: Checkpoint
    entry: Callable[[int], bytes]


def audit_closed(subject: Subject, each: Callable[[Covered], None] | None = None) -> Report:
    """Audit a log without opening anything; `each` is told the verdict on every reading."""
    report, refold = Report("closed"), Refold(subject.log, subject.origin)
    integrity, coverage = Integrity(subject.published, subject.entry), ClosedAudit()
    for replayed in refold.commits():
        report.commits += 1
        report.findings.extend(integrity.take(replayed))
        for verdict in _verdicts(coverage, replayed, report):
            _count(report, verdict)
            if each is not None:
                each(verdict)
    report.findings.extend(integrity.close(refold.cursor.size))
    report.size, report.voids = refold.cursor.size, len(refold.voids)
    return report


def audit_open(
    subject: Subject,
    fetch: Callable[[set[UUID]], Mapping[UUID, Key]],
    each: Callable[[Covered], None] | None = None,
) -> Report:
    """Audit a log closed, then again with keys."""
    report = audit_closed(subject, each)
    report.mode = "open"
    first = Refold(subject.log, subject.origin)
    ordered = frozenset(key for replayed in first.commits() for key in ordered_by(replayed))
    opened = OpenAudit(fetch, ordered)
    for replayed in Refold(subject.log, subject.origin).commits():
        report.findings.extend(opened.take(replayed))
    report.opened, report.erased = opened.opened, opened.erased
    return report


def _verdicts(coverage: ClosedAudit, replayed: Replayed, report: Report) -> list[Covered]:
    try:
        return list(coverage.take(replayed))
    except _UNPARSABLE:
        report.findings.append(Finding(breach=Breach.UNREADABLE, leaf=replayed.commit.leaf))
        return []


def _count(report: Report, verdict: Covered) -> None:
    report.readings += 1
    if verdict.breach is None:
        report.covered += 1
    else:
        report.findings.append(
            Finding(breach=verdict.breach, leaf=verdict.leaf, place=verdict.place)
        )
