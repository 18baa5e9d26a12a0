"""One audit, from the log to its report: integrity, erasures, coverage, what was not looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from replay.audit import ClosedAudit
from replay.erasures import Erasures
from replay.findings import Breach, Covered, Finding
from replay.integrity import Integrity
from replay.open_audit import OpenAudit, Orders
from replay.refold import Refold
from replay.statement import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from keys.key import Key
    from ledger.log import CommitLog
    from proofs.checkpoint import Checkpoint
    from replay.refold import Replayed


@dataclass(slots=True)
class Report:
    """What an audit came to. `mode` is "closed" or "open"; counts are of readings.

    `opened` were opened and found to be of the consent's point and days; `erased` could
    not be, because a leaf orders the key of the reading, or of its grant, destroyed.
    """

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
    report, _ = _closed(subject, each)
    return report


def audit_open(
    subject: Subject,
    fetch: Callable[[set[UUID]], Mapping[UUID, Key]],
    each: Callable[[Covered], None] | None = None,
) -> Report:
    """Audit a log closed, then again with keys: what an order excuses may lie before it."""
    report, orders = _closed(subject, each)
    report.mode = "open"
    opened = OpenAudit(fetch, orders)
    known = {(finding.leaf, finding.place) for finding in report.findings}
    for replayed in Refold(subject.log, subject.origin).commits():
        for finding in opened.take(replayed):
            if finding.breach is not Breach.UNREADABLE or (
                (finding.leaf, finding.place) not in known
            ):
                report.findings.append(finding)
    report.opened, report.erased = opened.opened, opened.erased
    return report


def _closed(subject: Subject, each: Callable[[Covered], None] | None) -> tuple[Report, Orders]:
    report, refold = Report("closed"), Refold(subject.log, subject.origin)
    integrity, coverage = Integrity(subject.published, subject.entry), ClosedAudit()
    orders, erasures = Orders(), Erasures()
    for replayed in refold.commits():
        statements = [read(index, frame) for index, frame in replayed.leaves()]
        report.commits += 1
        report.findings.extend(integrity.take(replayed, statements))
        report.readings += _readings(replayed)
        written = {write.stream for write in replayed.record.header.writes}
        for statement in statements:
            if not isinstance(statement, Finding):
                orders.take(statement)
                if statement.private.stream.bytes in written:
                    report.findings.extend(erasures.take(statement))
                _tally(report, list(coverage.take(statement)), each)
    report.findings.extend(integrity.close(refold.cursor.size))
    report.size, report.voids = refold.cursor.size, len(refold.voids)
    return report, orders


def _readings(replayed: Replayed) -> int:
    """Return how many readings a commit holds, also under a leaf that cannot be read."""
    frames = replayed.record.frames
    return sum(len(frame.readings) for frame in frames if frame.readings is not None)


def _tally(report: Report, verdicts: list[Covered], each: Callable[[Covered], None] | None) -> None:
    found = [
        Finding(breach=verdict.breach, leaf=verdict.leaf, place=verdict.place)
        for verdict in verdicts
        if verdict.breach is not None
    ]
    report.covered += len(verdicts) - len(found)
    report.findings.extend(found)
    if each is not None:
        for verdict in verdicts:
            each(verdict)
