"""The command that says what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import argparse
import textwrap
from typing import Final

from application.doctor.finding import Finding, State, worst
from metroledger.bootstrap import now
from metroledger.cli.common import Commands, command, print_json
from metroledger.examination import examine_installation
from metroledger.settings import Settings

CODES: Final = {State.OK: 0, State.WARN: 1, State.BROKEN: 2}
"""What the command exits with, by the worst finding: as monitoring plug-ins do."""

_MARKS: Final = {State.OK: "ok", State.WARN: "warn", State.BROKEN: "BROKEN"}
_WIDTH: Final = 100
_INDENT: Final = 25


def add_commands(commands: Commands) -> None:
    """Add this module's command."""
    summary = "Say what is wrong here, and what to do: exit 0 in order, 1 to watch, 2 broken."
    doctor = command(commands, "doctor", _doctor, summary)
    doctor.add_argument("--json", action="store_true", help="one JSON line a check")


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    findings = []
    for finding in examine_installation(settings, now):
        findings.append(finding)
        if arguments.json:
            print_json(_row(finding))
        else:
            _print(finding)
    state = worst(findings)
    if not arguments.json:
        count = sum(finding.state is not State.OK for finding in findings)
        print(f"{len(findings)} checks: {f'{count} to look at' if count else 'all in order'}")
    return CODES[state]


def _row(finding: Finding) -> dict[str, str]:
    return {
        "check": finding.check,
        "state": finding.state.value,
        "says": finding.says,
        "do": finding.do,
        "page": finding.page,
    }


def _print(finding: Finding) -> None:
    head = f"{_MARKS[finding.state]:7} {finding.check:16} "
    print(_wrapped(head, finding.says))
    if finding.do:
        page = f" (docs/manual/{finding.page}.md)" if finding.page else ""
        print(_wrapped(" " * (_INDENT - 2) + "→ ", finding.do + page))


def _wrapped(head: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
