"""Get accepted records back from the log, by the offsets that the fold wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.errors import Corrupt
from ledger.record import Record, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.log import CommitLog

_NEAR: Final = 8


class RecordMissing(Corrupt):
    """A record that was folded is not in the log any more."""

    def __init__(self, offset: int) -> None:
        """Take the offset."""
        super().__init__(
            f"the record at offset {offset} was folded and is not in the log any more; stop every "
            "process and keep things as they are (manual: the log is not the one we folded)"
        )


def read_record(log: CommitLog, offset: int) -> Record:
    """Return the record at an offset. Raises `RecordMissing`."""
    (record,) = read_records(log, [offset])
    return record


def read_records(log: CommitLog, offsets: Sequence[int]) -> Iterator[Record]:
    """Yield the records at rising offsets; near ones are read together."""
    for run in _runs(offsets):
        missing = set(run)
        start = run[0]
        while missing:
            entries = log.read(start, limit=run[-1] - start + 1)
            if not entries or entries[0].offset > min(missing):
                raise RecordMissing(min(missing))
            yield from (decode(entry.record) for entry in entries if entry.offset in missing)
            missing -= {entry.offset for entry in entries}
            start = entries[-1].offset + 1


def _runs(offsets: Sequence[int]) -> Iterator[list[int]]:
    """Cut rising offsets where reading on would fetch more than `_NEAR` records in vain."""
    run: list[int] = []
    for offset in offsets:
        if run and offset - run[-1] > _NEAR:
            yield run
            run = []
        run.append(offset)
    if run:
        yield run
