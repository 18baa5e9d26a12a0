"""What the database says of some streams at one instant, told by one look at it.

A page asks three things before it shows anything: how far the streams are that it rests on,
which acts wait for them (`application.inbox`), and what the public register gained. Asked one by
one they are half of what a page waits for. An act leaves the inbox only after its head has
moved, so at one instant it is seen in the one or in the other, or in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from ledger.rule import Head


class Glance(NamedTuple):
    """The heads of those streams that exist, by their 16 bytes, and what waits for any of them.

    `added` are the indexes of the register's leaves from the one that was asked for, in order.
    """

    heads: Mapping[bytes, Head]
    waiting: frozenset[UUID]
    added: Sequence[int]


class Glances(Protocol):
    """Whoever looks."""

    def glance(self, streams: Collection[bytes], register_from: int) -> Glance:
        """Look at these streams, and at the register's leaves from an index on."""
