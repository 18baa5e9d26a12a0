"""A table as a file: CSV, or Parquet.

CSV is for people and their spreadsheets, Parquet for programs: typed, and a tenth of the size.
Neither is ever on a disk of ours.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from application.tables import Kind

if TYPE_CHECKING:
    from application.tables import Table

CSV: Final = "text/csv; charset=utf-8"
PARQUET: Final = "application/vnd.apache.parquet"
ROWS_IN_GROUP: Final = 8_192
"""Rows of a group of a Parquet file: what is in memory at once, beside the file that is made."""

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: Table) -> bytes:
    """Return a table as CSV (RFC 4180, UTF-8); where there is nothing the cell is empty.

    Texts of an operator that a spreadsheet would take for a formula begin with an apostrophe.
    """
    content = io.BytesIO()
    with io.TextIOWrapper(content, "utf-8", newline="") as text:
        rows = csv.writer(text, lineterminator="\r\n")
        rows.writerow(table.columns)
        spelled = [_SPELLED[kind] for kind in table.columns.values()]
        for row in table.rows:
            cells = zip(spelled, row, strict=True)
            rows.writerow([cell if cell is None else spell(cell) for spell, cell in cells])
        text.flush()
        return content.getvalue()


def as_parquet(table: Table) -> bytes:
    """Return a table as Parquet, group by group of rows; where there is nothing the cell is null.

    The same rows are the same bytes.
    """
    import pyarrow as pa  # noqa: PLC0415 - 30 MB of a process, for whoever asks for such a file
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - the same

    types: dict[Kind, Any] = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.TRUTH: pa.bool_(),
        Kind.DAY: pa.date32(),
        Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in table.columns.items()])
    content = io.BytesIO()
    with ParquetWriter(content, schema) as writer:
        while rows := list(islice(table.rows, ROWS_IN_GROUP)):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return content.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _spelled_instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


_SPELLED: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: _harmless,
    Kind.WHOLE: str,
    Kind.TRUTH: lambda truth: "true" if truth else "false",
    Kind.DAY: date.isoformat,
    Kind.INSTANT: _spelled_instant,
}
