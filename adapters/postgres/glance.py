"""Heads, waiting acts and the register in one statement: the `Glances` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.postgres.arrays import uuids
from application.glance import Glance
from ledger.rule import Head

if TYPE_CHECKING:
    from collections.abc import Collection

    from adapters.postgres.connections import Connections

_GLANCE: Final = b"""
    select uuid_send(stream), version, ended from heads where stream = any(%s::uuid[])
    union all
    select uuid_send(about), null, null from inbox
    where fortune = 'waiting' and about = any(%s::uuid[])
    union all
    (select null, leaf, null from leaves where in_register(entry) and leaf >= %s order by leaf)"""


class PostgresGlances:
    """The `Glances` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def glance(self, streams: Collection[bytes], register_from: int) -> Glance:
        """Look at these streams, and at the register's leaves from an index on."""
        asked = uuids(streams)
        with self._connections.use() as connection:
            rows = connection.execute(
                _GLANCE, (asked, asked, register_from), binary=True, prepare=True
            ).fetchall()
        heads, waiting, added = {}, set(), []
        for about, number, ended in rows:
            if about is None:
                added.append(number)
            elif number is None:
                waiting.add(UUID(bytes=about))
            else:
                heads[about] = Head(number, ended)
        return Glance(heads, frozenset(waiting), sorted(added))
