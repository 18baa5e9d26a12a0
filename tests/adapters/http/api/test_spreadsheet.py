"""A table as CSV and as Parquet says the same, and what is missing is never 0."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from adapters.http.api.spreadsheet import ROWS_IN_GROUP, as_csv, as_parquet
from application.tables import Kind, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from application.tables import Row

COLUMNS = {
    "what": Kind.TEXT,
    "energy_wh": Kind.WHOLE,
    "disputed": Kind.TRUTH,
    "day": Kind.DAY,
    "at": Kind.INSTANT,
}
TYPES = {
    "what": pa.string(),
    "energy_wh": pa.int64(),
    "disputed": pa.bool_(),
    "day": pa.date32(),
    "at": pa.timestamp("us", tz="UTC"),
}
AT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
ROWS: list[Row] = [
    ("daily_index", 0, False, date(2026, 10, 25), AT),
    (None, None, None, None, None),
    ("daily_index", -12, True, date(2024, 2, 29), AT + timedelta(microseconds=7)),
]


def table(rows: Iterable[Row], columns: Mapping[str, Kind] = COLUMNS) -> Table:
    return Table(columns=columns, rows=iter(rows))


def read(content: bytes) -> pa.Table:
    return parquet.read_table(io.BytesIO(content))


def rows_of(content: bytes) -> list[Row]:
    return [tuple(row.values()) for row in read(content).to_pylist()]


def spelled(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_columns_are_typed_and_a_gap_is_null() -> None:
    content = as_parquet(table(ROWS))
    found = read(content).schema
    assert {name: found.field(name).type for name in found.names} == TYPES
    assert rows_of(content) == ROWS
    assert [one["energy_wh"] for one in spelled(as_csv(table(ROWS)))] == ["0", "", "-12"]


CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    Kind.WHOLE: st.integers(-(2**63), 2**63 - 1),
    Kind.TRUTH: st.booleans(),
    Kind.DAY: st.dates(),
    Kind.INSTANT: st.datetimes(timezones=st.just(UTC)),
}


@given(st.lists(st.tuples(*(st.none() | CELLS[kind] for kind in COLUMNS.values()))))
def test_whatever_the_cells_both_files_say_the_same_rows(rows: list[Row]) -> None:
    assert rows_of(as_parquet(table(rows))) == rows
    told = spelled(as_csv(table(rows)))
    assert len(told) == len(rows)
    for said, row in zip(told, rows, strict=True):
        what, energy, disputed, day, at = row
        formula = isinstance(what, str) and what.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert said["what"] == ("'" if formula else "") + str(what or "")
        assert said["energy_wh"] == ("" if energy is None else str(energy))
        assert said["disputed"] == ("" if disputed is None else str(disputed).lower())
        assert said["day"] == ("" if day is None else str(day))
        assert (datetime.fromisoformat(said["at"]) if said["at"] else None) == at


def test_the_same_rows_are_the_same_bytes_and_no_row_is_a_file_too() -> None:
    assert as_parquet(table(ROWS)) == as_parquet(table(ROWS))
    assert read(as_parquet(table([]))).num_rows == 0
    assert as_csv(table([])) == b"what,energy_wh,disputed,day,at\r\n"


def half_hours(count: int) -> Iterator[Row]:
    for n in range(count):
        yield ("load_curve", n % 6000 if n % 48 else None, False, None, AT + n * STEP)


STEP = timedelta(minutes=30)


def test_ten_years_of_half_hours_are_written_group_by_group() -> None:
    count = 10 * 365 * 48
    content = as_parquet(table(half_hours(count)))
    told = parquet.ParquetFile(io.BytesIO(content)).metadata
    assert told.num_rows == count
    assert told.num_row_groups == -(-count // ROWS_IN_GROUP)
    assert read(content)["energy_wh"].null_count == count // 48

    def peak(rows: int) -> int:
        tracemalloc.start()
        as_parquet(table(half_hours(rows)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    two_groups_and_the_file_twice = 2 * peak(ROWS_IN_GROUP) + 2 * len(content)
    assert peak(count) < two_groups_and_the_file_twice
    assert count > 10 * ROWS_IN_GROUP


def test_a_portal_of_which_nobody_asked_such_a_file_does_not_carry_pyarrow() -> None:
    asked = "import sys, metroledger.portal, adapters.http.app; print('pyarrow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
