"""Replies are cut after the append, again and again: whoever wrote is told what truly happened."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from typing_extensions import override

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Place
from application.committer import Committer
from application.recorder import LedgerRecorder
from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from tests.adapters.kafka.ledger_at_work import make_topic
from tests.adapters.kafka.proxy import Proxy
from tests.ledger.builders import GENESIS, ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.chaos

EVERY = 1_000_000
APPEND_S = 0.8
"""Long enough for a new producer on a busy machine, short enough for a thousand in doubt."""


class Noting(KafkaLog):
    """Counts the records that were left in doubt; once some were, the network is whole again."""

    doubtful = 0
    heal: Callable[[], None]

    @override
    def append(self, records: Sequence[bytes]) -> Sequence[int | None]:
        offsets = super().append(records)
        if None in offsets:
            self.doubtful += 1
            self.heal()
        return offsets


def hold(broker: str, topic: str, count: int) -> None:
    """Write `count` commands, a quarter of which must be refused; compare answers and log."""
    place, chance = make_topic(broker, topic), Random(7)
    with Proxy(place.servers[0]) as proxy:
        log = Noting(Place(servers=(proxy.address,), topic=topic), ALONE, append_s=APPEND_S)
        log.heal = lambda: setattr(proxy, "to_cut", proxy.cuts)
        log.append([GENESIS])
        folder = Folder(log, MemoryFoldStore(), ORIGIN)
        folder.fold_through(0)
        committer = Committer(folder, lambda _: None)
        recorder = LedgerRecorder(folder, committer)
        told: Counter[str] = Counter()
        streams: list[UUID] = []
        for n in range(count):
            proxy.to_cut = proxy.cuts + chance.choice([1, EVERY])
            refused = bool(streams) and chance.random() < 0.25
            stream = chance.choice(streams) if refused else UUID(int=n + 1)
            told[write(recorder, stream)] += 1
            assert told["refused"] == n + 1 - len(streams) - (not refused)
            streams += [] if refused else [stream]
        proxy.to_cut = 0
        folder.fold_through(log.end() - 1)
        held = Counter(
            segment.stream for s in streams for segment in folder.store.segments(s.bytes)
        )
        print(
            f"\n{count} commands, {proxy.cuts} replies cut, {log.doubtful} records in doubt: {told}"
        )
        assert held == Counter(stream.bytes for stream in streams), "each once, and no other"
        assert len(folder.store.commits(0, 10 * count)) == len(streams)
        assert log.doubtful > count / 4
        committer.close()
        log.close()


def write(recorder: LedgerRecorder, stream: UUID) -> str:
    """Write the first event of a stream; say what was answered."""
    try:
        recorder.insert_events([StoredEvent(stream, 1, "topic", b"state")])
    except IntegrityError:
        return "refused"
    return "accepted"


def test_whoever_is_not_answered_is_told_the_truth(broker: str, topic: str) -> None:
    hold(broker, topic, 15)


@pytest.mark.campaign
def test_a_thousand_ambiguous_outcomes_get_a_thousand_true_answers(broker: str, topic: str) -> None:
    hold(broker, topic, 1_000)
