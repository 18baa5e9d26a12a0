"""What became of operators' files, in PostgreSQL: the `Arrivals` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from application.arrivals import Arrival, Slot, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from adapters.postgres.connections import Connections


class PostgresArrivals:
    """The `Arrivals` port over the ledger's database."""

    def __init__(self, connections: Connections) -> None:
        """Take the connections to a database that has the ledger's tables."""
        self._connections = connections

    def note(self, arrival: Arrival) -> None:
        """Keep that a file came; one that is known counts as having come again."""
        slot = arrival.slot
        numbers = (
            (slot.flow, slot.subscription, slot.made, slot.sequence, slot.part, slot.parts)
            if slot
            else (None,) * 6
        )
        with self._connections.use() as connection:
            connection.execute(
                "insert into arrivals (id, operator, delivery, size_bytes, at, state,"
                " flow, subscription, made, sequence, part, parts)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (id) do update set again = arrivals.again + 1",
                (
                    arrival.id,
                    arrival.operator,
                    arrival.delivery,
                    arrival.size_bytes,
                    arrival.at,
                    arrival.state.value,
                    *numbers,
                ),
            )

    def settle(self, file: UUID, state: State, reason: str | None) -> None:
        """Keep what became of it."""
        with self._connections.use() as connection:
            connection.execute(
                "update arrivals set state = %s, reason = %s where id = %s",
                (state.value, reason, file),
            )

    def since(self, at: datetime) -> Sequence[Arrival]:
        """Return what came since an instant, in the order in which it first came."""
        with self._connections.use() as connection:
            rows = connection.execute(
                "select id, operator, delivery, size_bytes, at, state, reason,"
                " flow, subscription, made, sequence, part, parts"
                " from arrivals where at >= %s order by number",
                (at,),
            ).fetchall()
        return [_arrival(row) for row in rows]

    def drop(self, before: datetime) -> int:
        """Forget what came before an instant; return of how many files."""
        with self._connections.use() as connection:
            done = connection.execute("delete from arrivals where at < %s", (before,))
        return done.rowcount


def _arrival(row: tuple[Any, ...]) -> Arrival:
    file, operator, delivery, size, at, state, reason, *numbers = row
    flow, subscription, made, sequence, part, parts = numbers
    slot = Slot(
        flow=flow,
        subscription=subscription,
        made=made,
        sequence=sequence,
        part=part,
        parts=parts,
    )
    return Arrival(
        id=file,
        operator=operator,
        slot=slot if flow is not None else None,
        delivery=delivery,
        size_bytes=size,
        at=at,
        state=State(state),
        reason=reason,
    )
