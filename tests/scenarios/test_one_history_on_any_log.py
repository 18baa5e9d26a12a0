"""The same records in the same order are one history, whichever log they lie in."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from ledger.fold import Folder
from ledger.memory import MemoryFoldStore
from ledger.record import Kind
from ledger.rule import NO_STREAM
from ledger.simulated import SimulatedLog
from tests.conformance.logs import LOGS
from tests.ledger.builders import GENESIS, ORIGIN, barrier, commit, name, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = 200
BATCH = 500


def history(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield a genesis and records that many writers could have sent, good and bad.

    Some see an old version, some repeat a command, some come after its barrier, some end a
    stream, some are no records at all.
    """
    chance = Random(seed)
    seen = MemoryFoldStore()
    folder = Folder(SimulatedLog(), seen, ORIGIN)
    yield GENESIS
    folder.log.append([GENESIS])
    for n in range(1, count):
        record = one_record(chance, seen, n)
        yield record
        folder.log.append([record])
        folder.fold()


def one_record(chance: Random, seen: MemoryFoldStore, n: int) -> bytes:
    stream, other = (f"s{chance.randrange(STREAMS)}" for _ in "ab")
    command = f"c{chance.randrange(n)}" if chance.random() < 0.1 else f"c{n}"
    match chance.randrange(20):
        case 0:
            return chance.randbytes(chance.randrange(60))
        case 1:
            return barrier(command)
        case 2:
            return plain(Kind.GENESIS, command, b"{}")
        case kind:
            lag = int(kind == 3 and version(seen, stream) > 0)
            return commit(
                command,
                (stream, version(seen, stream) - lag),
                reads=((other, version(seen, other)),) if other != stream else (),
                ends=(stream,) if chance.random() < 0.001 else (),
                events=1 + chance.randrange(3),
            )


def version(seen: MemoryFoldStore, stream: str) -> int:
    return seen.all_heads.get(name(stream), NO_STREAM).version


def told(request: pytest.FixtureRequest, kind: str, records: list[bytes]) -> tuple[object, ...]:
    """Put records into a fresh log of a kind, fold it; return what they add up to."""
    with LOGS[kind](request) as opened:
        for start in range(0, len(records), BATCH):
            offsets = opened.log.append(records[start : start + BATCH])
            assert None not in offsets
        store = MemoryFoldStore()
        folder = Folder(opened.again(), store, ORIGIN)
        folder.fold_through(opened.log.end() - 1)
        folder.check()
        at = store.cursor()
        assert at.offset_last == opened.log.end() - 1
        return at.accepted, at.frontier.root(), at.size, at.position, len(store.all_accepted)


def hold(request: pytest.FixtureRequest, count: int) -> None:
    records = list(history(count))
    simulated, *others = [told(request, kind, records) for kind in LOGS]
    accepted = simulated[-1]
    assert isinstance(accepted, int)
    assert count // 4 < accepted < count, "there are accepted records among void ones"
    assert others == [simulated] * (len(LOGS) - 1)
    print(f"\n{count} records: {accepted} accepted, root {simulated[1]!r} on {', '.join(LOGS)}")


def test_the_same_records_are_one_history_on_every_log(request: pytest.FixtureRequest) -> None:
    hold(request, 2_000)


@pytest.mark.campaign
def test_a_hundred_thousand_records_are_one_history_on_every_log(
    request: pytest.FixtureRequest,
) -> None:
    hold(request, 100_000)
