"""Write docs/manual/personal-data.md from the registry of personal data.

Run `python docs/make_personal_data.py` after changing an entry; a test says when it was forgotten.
"""
# ruff: noqa: INP001 (a script beside the pages it writes, run by path)

import sys
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent / "manual" / "personal-data.md"
sys.path.insert(0, str(PAGE.parent.parent.parent))

from metroledger.personal_data.page import (  # noqa: E402 (the line above makes it importable)
    controller_of,
)
from metroledger.personal_data.page import render as page_of  # noqa: E402 (as above)
from metroledger.settings import Settings  # noqa: E402 (as above)


def render() -> str:
    """Return the page, with the periods of an installation that sets none."""
    return page_of(controller_of(Settings(home=Path("var"))))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
