"""`metroledger retention`: how long data is kept, what was destroyed, and destroying it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from application import retention
from domain.values import civil_day
from metroledger.bootstrap import open_ledger
from metroledger.cli.common import Commands, command, group, print_json

if TYPE_CHECKING:
    import argparse

    from application.retention import Run
    from metroledger.settings import Settings


def add_commands(commands: Commands) -> None:
    """Add this module's commands."""
    keeping = group(commands, "retention", "How long data is kept, and what was destroyed.")
    shown = command(keeping, "show", _show, "Show the periods, and every run with its certificate.")
    shown.add_argument("--json", action="store_true", help="one JSON line a run")
    command(keeping, "run", _run, "Destroy what is past its period now, instead of tonight.")


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        runs = retention.runs(installation.services)
        today = civil_day(installation.clock())
    if arguments.json:
        for one in runs:
            print_json(_row(one))
        return 0
    for matter, years in settings.periods.years.items():
        past = settings.periods.last_year_past(matter, today)
        print(f"{matter:14} {years:2} years after its own: up to {past} is past")
    for one in runs:
        done = "ordered, to be carried out"
        if one.certificate:
            done = f"carried out: certificate at leaf {one.leaf}, epoch {one.certificate.epoch}"
        of_what = f"{one.ordered.matter} up to {one.ordered.last_year}, {one.ordered.keys} keys"
        print(f"run {one.id}  {of_what}  {done}")
    return 0


def _row(run: Run) -> dict[str, object]:
    return {
        "id": str(run.id),
        "ordered": msgspec.to_builtins(run.ordered),
        "certificate": msgspec.to_builtins(run.certificate),
        "leaf": run.leaf,
    }


def _run(settings: Settings, _: argparse.Namespace) -> int:
    with open_ledger(settings) as installation:
        retention.order(installation.services)
        done = retention.carry_out(installation.services)
    print(f"{done} runs carried out" if done else "nothing is past its period")
    return 0
