"""Was each destruction of keys decided by whom it takes, and certified as it was ordered?

Told by types and streams alone, opening nothing. Validation, order and certificate are public:
whoever can append to the log could write one, and need no key for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.events.account import (
    AccountErased,
    DestructionOrdered,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
)
from domain.events.destruction import KeysDestroyed
from replay.findings import Breach, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from replay.statement import Statement

_BEGINS_ANEW = frozenset({ErasureRequested.TOPIC, ErasureRefused.TOPIC, ErasureTakenBack.TOPIC})


@dataclass(slots=True)
class Erasures:
    """How far erasures have come, by stream; fed every leaf that can be read, in order."""

    checked: set[UUID] = field(default_factory=set)
    validated: set[UUID] = field(default_factory=set)
    ordered: dict[UUID, tuple[int, str]] = field(default_factory=dict)

    def take(self, statement: Statement) -> Iterator[Finding]:
        """Note what a leaf says of an erasure; yield what was not decided before it."""
        stream, said = statement.private.stream, statement.said
        if statement.type in _BEGINS_ANEW:
            self.checked.discard(stream)
        elif statement.type == ErasureIdentityChecked.TOPIC:
            self.checked.add(stream)
        elif statement.type == ErasureValidated.TOPIC:
            self.validated.add(stream)
            if stream not in self.checked:
                yield Finding(breach=Breach.NOT_CHECKED, leaf=statement.at)
        elif isinstance(said, DestructionOrdered):
            self.ordered.setdefault(stream, (said.keys, said.root))
            if said.request != stream and stream not in self.validated:
                yield Finding(breach=Breach.NOT_VALIDATED, leaf=statement.at)
        elif isinstance(said, AccountErased | KeysDestroyed) and self.ordered.get(stream) != (
            said.keys,
            said.root,
        ):
            yield Finding(breach=Breach.NOT_ORDERED, leaf=statement.at)
