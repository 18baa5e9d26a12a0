"""Honest histories of any kind: what a writer that obeys might have written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from tests.replay.forging import YESTERDAY, Forger, Held, index

if TYPE_CHECKING:
    from uuid import UUID

    from _typeshed import SupportsLenAndGetItem

T = TypeVar("T")

STEPS = ("sign", "grant", "grant", "deliver", "deliver", "withdraw", "extend", "end", "erase")
HISTORIES = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2**16)), max_size=14)


@dataclass(slots=True)
class History:
    """A forger that behaves, and what it may still do."""

    forger: Forger
    agreements: list[UUID] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)
    live: list[tuple[Held, UUID]] = field(default_factory=list)
    gone: list[tuple[Held, UUID]] = field(default_factory=list)
    readings: int = 0

    def step(self, name: str, chance: Random) -> None:
        if name == "sign":
            self.agreements.append(self.forger.sign())
        elif name == "grant" and self.agreements:
            agreement = chance.choice(self.agreements)
            self.live.append((self.forger.grant(agreement), agreement))
        elif name == "deliver" and self.agreements:
            self.deliver(chance)
        elif name == "extend" and self.live:
            held, _ = chance.choice(self.live)
            self.forger.extend(held, YESTERDAY.replace(year=2028))
        elif name == "end" and self.agreements:
            agreement = self.agreements.pop(chance.randrange(len(self.agreements)))
            self.forger.end_agreement(agreement)
            self.ended.append(agreement)
        elif name in ("withdraw", "erase") and self.live:
            self.end_one(chance, erase=name == "erase")

    def deliver(self, chance: Random) -> None:
        agreement = chance.choice(self.agreements)
        able = [held for held, its in self.live if its == agreement]
        chosen = chance.sample(able, chance.randint(0, len(able)))
        days = [YESTERDAY - timedelta(days=chance.randint(0, 300)) for _ in chosen]
        self.forger.deliver(
            agreement,
            [(held, index(held, day)) for held, day in zip(chosen, days, strict=True)],
            as_of=[held.id for held in chosen],
        )
        self.readings += len(chosen)

    def end_one(self, chance: Random, *, erase: bool) -> None:
        held, agreement = self.live.pop(chance.randrange(len(self.live)))
        self.forger.withdraw(held)
        if erase:
            self.forger.order([held.evidence, held.readings])
            self.forger.destroy([held.evidence, held.readings])
        else:
            self.gone.append((held, agreement))


def live(steps: list[tuple[str, int]]) -> History:
    """Live a history, so that at its end somebody consents and something was delivered."""
    history = History(Forger(Random(len(steps))))
    for name, seed in (("sign", 0), ("grant", 0), *steps, ("sign", 1)):
        history.step(name, Random(seed))
    agreement = history.agreements[-1]
    history.live.append((history.forger.grant(agreement), agreement))
    history.deliver(Always())
    return history


class Always(Random):
    """Chooses the last, and all."""

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        return seq[-1]

    def randint(self, a: int, b: int) -> int:  # noqa: ARG002 (Random's own signature)
        return b
