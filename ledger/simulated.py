"""A log in memory that fails as real ones do, by the choice of one seeded generator.

It loses a record, loses only the answer, delays a record until `deliver` lets it in
(behind later ones), and duplicates it. One seed gives one history. With `faults` at
0 it is a plain log, and passes the conformance suite of the port.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.log import Description, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


@dataclass(slots=True)
class SimulatedLog:
    """The log; `faults` is the share of records, from 0 to 1, to which something happens."""

    chance: Random | None = None
    faults: float = 0.0
    identity: str = "simulated"
    records: list[bytes] = field(default_factory=list)
    delayed: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
        """Append records; see the port for what None means."""
        with self.lock:
            return [self._append(record) for record in records]

    def _append(self, record: bytes) -> int | None:
        chance = self.chance
        if chance is None or chance.random() >= self.faults:
            return self._put(record)
        match chance.randrange(4):
            case 0:
                return None
            case 1:
                self._put(record)
                return None
            case 2:
                self.delayed.append(record)
                return None
            case _:
                self.delayed.append(record)
                return self._put(record)

    def _put(self, record: bytes) -> int:
        self.records.append(record)
        return len(self.records) - 1

    def deliver(self) -> bool:
        """Let one delayed record in, not always the oldest; return whether there was one."""
        with self.lock:
            if not self.delayed:
                return False
            which = self.chance.randrange(len(self.delayed)) if self.chance else 0
            self._put(self.delayed.pop(which))
            return True

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> Sequence[Entry]:
        """Return entries from `start`, in order."""
        entries: list[Entry] = []
        size = 0
        for offset in range(start, min(len(self.records), start + limit)):
            size += len(self.records[offset])
            if entries and size > bytes_max:
                break
            entries.append(Entry(offset, self.records[offset]))
        return entries

    def end(self) -> int:
        """Return the offset after the last record."""
        return len(self.records)

    def begin(self) -> int:
        """Return the first offset: nothing is ever dropped here."""
        return 0

    def describe(self) -> Description:
        """Return what the log says of itself."""
        return Description(name="simulated", identity=self.identity)
