"""The `CommitLog` port: five methods, and what an implementation must guarantee.

Three implementations pass one conformance suite (`tests/conformance`): a simulated
log that loses, delays, duplicates and reorders; a PostgreSQL table; and Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entry(NamedTuple):
    """A record as it lies in a log; offsets rise, and may have gaps."""

    offset: int
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a log says of itself, for the checks that come before folding.

    `identity` is what changes when a log is deleted and made again; `faults` are
    sentences about settings under which a log may lose records.
    """

    name: str
    identity: str
    faults: tuple[str, ...] = ()


class CommitLog(Protocol):
    """One totally ordered log of records.

    All methods may be called from several threads at once.
    """

    def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
        """Append records in the given order; answer each one's offset, or None: *in doubt*.

        An offset is answered only when the record is durable and can be read by
        everyone. In doubt never means failed: the record may be in the log now,
        appear later, appear more than once, or never. Records of one call that all
        get offsets lie in the order given; other callers' records may lie between.
        Never raises for an outage.
        """

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> Sequence[Entry]:
        """Return entries from the first at or after `start`, in order, without skipping any.

        At most `limit`, and as many as fit in `bytes_max` but at least one where there
        is one; empty when the log ends before `start`. Raises `Unavailable`.
        """

    def end(self) -> int:
        """Return the offset after the last record. Raises `Unavailable`."""

    def begin(self) -> int:
        """Return the first offset the log still holds. Raises `Unavailable`."""

    def describe(self) -> Description:
        """Return what the log says of itself. Raises `Unavailable`."""
