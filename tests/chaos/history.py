"""Check what residents were told against the log, read again from its beginning.

What is held:

- every write that was acknowledged is in the log, and none that was refused;
- the log holds as many refusals, grants and withdrawals as were acknowledged, and no more;
- whatever ended before another began lies before it;
- the tree, the heads and every fate that the folders wrote are those of a refold, every signed
  checkpoint is of one history, and the audit finds nothing (`check_sound`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.asking import command_of
from domain.events.consent import ConsentGranted, ConsentRefused, ConsentWithdrawn
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import ORIGIN
from tests.chaos.residents import FINE
from tests.scenarios.killing import check_sound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metroledger.bootstrap import Installation
    from tests.chaos.residents import Residents, Write

EFFECT: Final = {
    "refusal": ConsentRefused.TOPIC,
    "grant": ConsentGranted.TOPIC,
    "grant again": ConsentGranted.TOPIC,
    "withdrawal": ConsentWithdrawn.TOPIC,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a log holds: where each accepted command lies, and how many events of each type."""

    places: Mapping[bytes, int]
    effects: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How answers and log differ, in numbers of writes; all are 0 where they do not."""

    lost: int
    ghosts: int
    doubled: int
    disordered: int

    @property
    def whole(self) -> bool:
        """Whether nothing differs."""
        return not (self.lost or self.ghosts or self.doubled or self.disordered)


def held_by(ledger: Installation) -> Held:
    """Read the log from its beginning."""
    places: dict[bytes, int] = {}
    effects: Counter[str] = Counter()
    for replayed in Refold(ledger.log, ORIGIN).commits():
        places[replayed.record.header.command] = replayed.commit.position
        effects.update(decode_leaf(frame.leaf).type for frame in replayed.record.frames)
    return Held(places=places, effects=effects)


def compare(history: Sequence[Write], commands: Sequence[bytes], held: Held) -> Verdict:
    """Compare a history, and the command of each of its writes, with what a log holds."""
    told = list(zip(history, commands, strict=True))
    effects = Counter(EFFECT[write.kind] for write in history if write.done)
    return Verdict(
        lost=sum(write.done and command not in held.places for write, command in told)
        + (effects - held.effects).total(),
        ghosts=sum(not write.done and command in held.places for write, command in told),
        doubled=sum((held.effects - effects)[topic] for topic in {*EFFECT.values()}),
        disordered=_disordered(
            [(held.places[c], write) for write, c in told if write.in_the_log and c in held.places]
        ),
    )


def _disordered(placed: Sequence[tuple[int, Write]]) -> int:
    """Count the writes that lie behind one that began only after they had ended."""
    disordered, begun = 0, 0.0
    for _, write in sorted(placed, key=lambda one: one[0]):
        disordered += write.ended < begun
        begun = max(begun, write.begun)
    return disordered


def check(ledger: Installation, residents: Residents, before: Held) -> str:
    """Raise where answers and log differ; return what was found in one line."""
    services, history = ledger.services, residents.history
    commands = [command_of(services, one.account, one.key).bytes for one in history]
    held = held_by(ledger)
    since = Held(places=held.places, effects=held.effects - before.effects)
    verdict = compare(history, commands, since)
    check_sound(ledger)
    kinds = Counter("kept" if one.kept else "done" if one.done else "refused" for one in history)
    answers = ", ".join(
        f"{count} × {status or 'cut'}"
        for status, count in sorted(residents.requests.items(), key=str)
    )
    line = (
        f"{kinds['done']} writes acknowledged by the log, {kinds['kept']} kept for it, "
        f"{kinds['refused']} refused ({answers}; {residents.open} answers left open, the slowest "
        f"took {residents.slowest_s:.1f} s): {verdict.lost} lost, {verdict.doubled} doubled, "
        f"{verdict.ghosts} refused and yet there, {verdict.disordered} out of order; the tree "
        f"of {ledger.store.cursor().size} leaves is that of a refold"
    )
    assert verdict.whole, line
    assert not (strange := set(residents.requests) - FINE - {None}), f"{strange}: {line}"
    return line
