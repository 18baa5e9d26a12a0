"""Each benchmark still runs: on as little as it takes, and to a table that is not empty."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.metroledger.playing import ROOT

if TYPE_CHECKING:
    from pathlib import Path

campaign = pytest.mark.campaign

BENCHES = [
    ("epoch", "--seconds", "0.1", "--persons", "100"),
    ("erasure", "--homes", "2", "--days", "3"),
    ("parse", "--seconds", "0.1"),
    pytest.param(("core", "--seconds", "0.1"), marks=campaign),
    pytest.param(("hostile", "--homes", "2", "--days", "10", "--seconds", "0.3"), marks=campaign),
    pytest.param(("logs", "--seconds", "0.1", "--nodes", "1"), marks=campaign),
    pytest.param(("metropolis_day", "--meters", "100"), marks=campaign),
    pytest.param(("portal", "--homes", "2", "--days", "10", "--seconds", "0.3"), marks=campaign),
]


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench[0])
def test_a_benchmark_runs_to_its_table(bench: tuple[str, ...], tmp_path: Path) -> None:
    name, *arguments = bench
    written = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments, "--json", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(written.read_text("utf-8"))
