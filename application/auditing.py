"""What auditors read beside the public record: private zones, and no payload.

A private zone holds random ids, exact times and roles; it names nobody and opens nothing
(`schemas.private`), so looking at one is no look at a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import Corrupt
from ledger.retrieval import read_records
from schemas.leaf import decode_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.services import Services
    from ledger.record import Frame
    from schemas.private import Private

AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event: its leaf's index, its type and private zone; None where these do not parse."""

    index: int
    type: str | None = None
    private: Private | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Some entries of the record, the latest first, and before which index the next ones lie."""

    entries: Sequence[Entry]
    following: int | None


def private_zones(services: Services, before: int | None = None) -> Entries:
    """Return the events whose leaves lie before an index, the latest of all where none is given."""
    store = services.ledger.folder.store
    size = store.cursor().size
    stop = size if before is None else max(0, min(before, size))
    start = max(0, stop - AT_ONCE)
    commits = store.commits_by_leaf(start, stop - start) if stop > start else []
    records = read_records(services.ledger.folder.log, [commit.offset for commit in commits])
    found = [
        _entry(commit.leaf + place, frame)
        for commit, record in zip(commits, records, strict=True)
        for place, frame in enumerate(record.frames)
        if start <= commit.leaf + place < stop
    ]
    return Entries(entries=found[::-1], following=start or None)


def _entry(index: int, frame: Frame) -> Entry:
    try:
        leaf, private = decode_leaf(frame.leaf), decode_private(frame.private)
    except Corrupt:
        return Entry(index=index)  # a foreign record: the audit names it
    return Entry(index=index, type=leaf.type, private=private)
