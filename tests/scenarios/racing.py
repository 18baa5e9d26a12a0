"""A withdrawal and a delivery, sent by two processes at the same moment, again and again."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from adapters.dso.enedis.series import town
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import ORIGIN, SEED, closed, settle_all, write_nights
from tests.scenarios.interrupting import hear, start_actor, tell

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from metroledger.bootstrap import Installation
    from tests.application.world import Place

DAY = date(2026, 3, 1)
WINDOW_S = 0.03
"""About what each of the two takes: so they meet at every point of each other."""


@dataclass(slots=True)
class Race:
    """What came of the tries: the collector's answers, and where in the log things lie.

    `late` are readings that lie after the ending of their consent: there must be none.
    """

    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    ended: int = 0
    late: int = 0
    voids: int = 0


def race(place: Place, directory: Path, tries: int, chance: Random) -> Race:
    """Let a delivery of one reading race the withdrawal of its consent, `tries` times."""
    homes = town(SEED, tries)
    with place.open() as installation:
        households = settle_all(installation, homes)
    done = Race()
    with start_actor(place) as collector, start_actor(place) as withdrawer:
        for turn, (home, household) in enumerate(zip(homes, households, strict=True)):
            (file,) = write_nights(directory / str(turn), (home,), [DAY])
            lines = [
                (collector, f"ingest {file}"),
                (withdrawer, f"withdraw {household.consents[0]}"),
            ]
            chance.shuffle(lines)
            tell(*lines[0])
            time.sleep(chance.uniform(0, WINDOW_S))
            tell(*lines[1])
            assert hear(withdrawer) == "withdrawn"
            done.answers[hear(collector)] += 1
    with place.open() as installation:
        _look(installation, done)
        assert closed(installation).passed
    return done


def _look(installation: Installation, done: Race) -> None:
    """Read the log from its beginning: was any reading accepted after its consent had ended?"""
    ended: set[bytes] = set()
    refold = Refold(installation.log, ORIGIN)
    for replayed in refold.commits():
        for frame in replayed.record.frames:
            leaf = decode_leaf(frame.leaf)
            if leaf.type == "ConsentWithdrawn.v1" and leaf.consent is not None:
                ended.add(leaf.consent.bytes)
            for place in range(len(frame.readings) if frame.readings else 0):
                consent = frame.readings.leaf(place)[17:33] if frame.readings else b""
                done.accepted += 1
                done.late += consent in ended
    done.ended, done.voids = len(ended), len(refold.voids)
