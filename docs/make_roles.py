"""Write docs/manual/roles.md from the very table that the portal asks.

Run `python docs/make_roles.py` after changing a right; a test says when it was forgotten.
"""
# ruff: noqa: INP001 (a script beside the pages it writes, run by path)

import sys
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent / "manual" / "roles.md"
sys.path.insert(0, str(PAGE.parent.parent.parent))

from application.access.roles import (  # noqa: E402 (the line above makes it importable by path)
    LATER,
    MATRIX,
    Right,
    StaffRole,
    is_allowed,
)

PREFACE: Final = """\
# Roles

Written by `docs/make_roles.py` from `application/access/roles.py`, the one table that every page
of the staff asks. Do not edit this page.

Yes is allowed; every other cell is refused. What no role has is here to be seen: nobody has it.
Editors and advisers are named for later; nobody can be added as one yet.

How members of the staff are added and sign in: [Staff](staff.md).

No page stands between the ledger and whoever may run `metroledger` on its machine: they act as
administrator, open accounts and publish texts. `metroledger consumption` writes down that they look
before it shows anything, and the person sees it. `receipt` hands out a consent with its evidence
and the values asked for, `parked show` a file of many people, `erasure notice` the points of
somebody erased: of these nobody is told, so who has a shell there is for the metropolis to watch.
"""


def render() -> str:
    """Return the page."""
    head = ["may", *(_called(role) for role in StaffRole)]
    rows = [head, ["---"] * len(head), *(_row(right) for right in MATRIX)]
    return PREFACE + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _called(role: StaffRole) -> str:
    later = " (later)" if role in LATER else ""
    return role.value.replace("_", " ") + later


def _row(right: Right) -> list[str]:
    return [right.value, *("yes" if is_allowed(role, right) else "–" for role in StaffRole)]


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
