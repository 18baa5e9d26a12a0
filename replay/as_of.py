"""The state as of a tree size, with the evidence for it.

A size, not a time: leaves have an order and no trustworthy clock. What is answered is
what the leaves alone show, so it can be answered after an erasure as before it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import Refused
from proofs.merkle import Frontier, leaf_hash
from replay.audit import ClosedAudit
from replay.findings import Finding
from replay.refold import Refold
from replay.statement import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from replay.report import Subject


class NoSuchSize(Refused):
    """The tree was never of that size, or not yet."""

    status = 404

    def __init__(self, asked: int, size: int) -> None:
        """Take the size asked for and the tree's."""
        super().__init__(f"the tree has {size} leaves now; ask for a size from 0 to {size}")
        self.asked = asked


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """What the first `size` leaves show, and the root that binds them."""

    size: int
    root: bytes
    hour: str | None
    agreements_in_force: tuple[int, ...]
    consents_live: tuple[int, ...]
    consents_ended: tuple[tuple[int, int], ...]
    readings: int

    def lines(self) -> Iterator[str]:
        """Yield the state and its evidence in plain words."""
        yield f"as of tree size {self.size}, root {self.root.hex()}"
        yield f"  last leaf's hour: {self.hour or 'none'} (a claim of the ledger until cosigned)"
        yield f"  agreements signed and not ended: {_leaves(self.agreements_in_force)}"
        yield f"  consents granted and not ended:  {_leaves(self.consents_live)}"
        ended = ", ".join(f"{grant} ended by {ending}" for grant, ending in self.consents_ended)
        yield f"  consents ended: {'leaves ' + ended if ended else 'none'}"
        yield f"  readings taken in: {self.readings}"


def _leaves(indexes: tuple[int, ...]) -> str:
    return f"{len(indexes)} (leaves {', '.join(map(str, indexes))})" if indexes else "none"


def state_as_of(subject: Subject, size: int) -> AsOf:
    """Return what the first `size` leaves of the log show. Raises `NoSuchSize`."""
    (state,) = states_as_of(subject, [size])
    return state


def states_as_of(subject: Subject, sizes: Sequence[int]) -> Iterator[AsOf]:
    """Yield what the log showed at rising sizes, in one pass. Raises `NoSuchSize`."""
    refold, audit, frontier = Refold(subject.log, subject.origin), ClosedAudit(), Frontier()
    readings, hour, left = 0, None, deque(sizes)
    for replayed in refold.commits():
        for index, frame in replayed.leaves():
            while left and left[0] == index:
                yield _as_of(left.popleft(), frontier.root(), hour, audit, readings)
            statement = read(index, frame)
            if not isinstance(statement, Finding):  # what cannot be read shows nothing
                audit.note(statement)
                hour = statement.leaf.hour
            frontier = frontier.append(leaf_hash(frame.leaf))
            readings += len(frame.readings) if frame.readings else 0
    while left and left[0] == refold.cursor.size:
        yield _as_of(left.popleft(), frontier.root(), hour, audit, readings)
    if left:
        raise NoSuchSize(left[0], refold.cursor.size)


def _as_of(size: int, root: bytes, hour: str | None, audit: ClosedAudit, readings: int) -> AsOf:
    grants = audit.grants.values()
    return AsOf(
        size=size,
        root=root,
        hour=hour,
        agreements_in_force=tuple(a.leaf for a in audit.agreements.values() if a.ending is None),
        consents_live=tuple(grant.leaf for grant in grants if grant.ending is None),
        consents_ended=tuple((g.leaf, g.ending) for g in grants if g.ending is not None),
        readings=readings,
    )
