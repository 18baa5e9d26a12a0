"""Write docs/states.md from the very tables that the aggregates run on.

Run `python docs/make_states.py` after changing a table; a test says when it was forgotten.
"""
# ruff: noqa: INP001 (a script beside the page it writes, run by path)

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Final

PAGE: Final = Path(__file__).with_name("states.md")
sys.path.insert(0, str(PAGE.parent.parent))

from domain.aggregates import (  # noqa: E402 (the line above makes it importable by path)
    access,
    account,
    agreement,
    collection,
    consent,
    delivery,
    destruction,
    letters,
    meter,
    notice,
    retention,
    terms,
)
from domain.events import Event  # noqa: E402 (the same)

PREFACE: Final = """\
# States

Drawn by `docs/make_states.py` from the `TRANSITIONS` tables in `domain/aggregates`: the
code, the tests and these pictures have one source. Do not edit this page.

An arrow is an event of the stream; a state from which an arrow leads to the end is ended by
the event, and nothing is ever written to the stream again. An event without an arrow in a state
cannot be written there, and a log that holds one is refused (`ImpossibleEvent`).

Reading has no picture: a series is a fold over many deliveries and has no states.
"""

MACHINES: Final = (
    agreement,
    terms,
    account,
    destruction,
    meter,
    consent,
    collection,
    delivery,
    access,
    retention,
    letters,
    notice,
)


def render() -> str:
    """Return the page."""
    return "\n".join([PREFACE, *(_section(machine) for machine in MACHINES)])


def _section(machine: ModuleType) -> str:
    name = machine.__name__.rpartition(".")[2]
    sentence = str(machine.__doc__).strip().splitlines()[0]
    table: Mapping[StrEnum, Mapping[type[Event], StrEnum]] = machine.TRANSITIONS
    lines = [f"## {name.capitalize()}", "", sentence, "", "```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{status.value}" as {status.name}' for status in table]
    lines.append(f"    [*] --> {next(iter(table)).name}")
    for status, moves in table.items():
        lines += [
            f"    {status.name} --> {to.name}: {', '.join(kinds)}"
            for to, kinds in _by_target(moves).items()
        ]
    lines += [f"    {status.name} --> [*]" for status in _ended(table)]
    return "\n".join([*lines, "```", ""])


def _by_target(moves: Mapping[type[Event], StrEnum]) -> dict[StrEnum, list[str]]:
    targets: dict[StrEnum, list[str]] = {}
    for kind, to in moves.items():
        targets.setdefault(to, []).append(kind.__name__)
    return targets


def _ended(table: Mapping[StrEnum, Mapping[type[Event], StrEnum]]) -> list[StrEnum]:
    """Return the states to which an event that ends its stream leads."""
    ends = [to for moves in table.values() for kind, to in moves.items() if kind.ENDS]
    return list(dict.fromkeys(ends))


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
