"""What was folded is got back from the log, or its loss is told."""

import pytest

from ledger.log import Entry
from ledger.retrieval import RecordMissing, read_record, read_records
from ledger.simulated import SimulatedLog
from tests.ledger.builders import GENESIS, commit


class Gapped(SimulatedLog):
    """A log that lost the record at offset 2."""

    def read(self, start: int, *, limit: int = 1_000, bytes_max: int = 8 << 20) -> list[Entry]:
        entries = SimulatedLog.read(self, start, limit=limit + 1, bytes_max=bytes_max)
        return [entry for entry in entries if entry.offset != 2][:limit]


def records() -> list[bytes]:
    return [GENESIS, *(commit(name, (name, 0)) for name in "abcdefghijklmnopqrst")]


def test_records_far_and_near_come_in_order_and_no_others() -> None:
    log = SimulatedLog(records=records())
    offsets = [1, 2, 5, 18, 20]
    commands = [record.header.command for record in read_records(log, offsets)]
    assert commands == [read_record(log, offset).header.command for offset in offsets]
    assert len(set(commands)) == len(offsets)


@pytest.mark.parametrize("offsets", [[2], [1, 2], [2, 3], [1, 2, 3], [30]])
def test_a_record_that_is_gone_is_told_and_never_passed_over(offsets: list[int]) -> None:
    with pytest.raises(RecordMissing):
        list(read_records(Gapped(records=records()), offsets))
