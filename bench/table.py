"""Rows of a benchmark, printed as a table and, when asked, written as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement; `aim` is what was aimed at, in words, where there is an aim."""

    what: str
    value: float
    unit: str
    note: str = ""
    aim: str = ""


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of the arguments every benchmark takes."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    made.add_argument("--seconds", type=float, default=4.0, help="how long each timing runs")
    return made


def arguments(description: str) -> argparse.Namespace:
    """Read the arguments every benchmark takes."""
    return parser(description).parse_args()


def report(rows: list[Row], conditions: list[str], file: Path | None) -> None:
    """Print the rows with their conditions, and write them when asked."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    for condition in (machine, *conditions):
        print(f"# {condition}")
    for row in rows:
        aim = f"  (aim {row.aim})" if row.aim else ""
        print(f"{row.what:62} {_number(row.value):>12} {row.unit:12} {row.note}{aim}")
    if file is not None:
        body = {"conditions": [machine, *conditions], "rows": [asdict(row) for row in rows]}
        file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
