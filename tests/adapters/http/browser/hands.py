"""How somebody uses a browser: with a pointer, or with the keyboard alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped] # ships no types
    Axe,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

TABS_MAX: Final = 80
IS_FOCUSED: Final = "element => element === document.activeElement"


@dataclass
class Pointer:
    """Clicks; looks at each page it was told to, with axe where scripts may run."""

    page: Page
    shots: Path
    scripts: bool = True
    looked_at: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def activate(self, found: Locator) -> None:
        found.click()

    def write(self, found: Locator, text: str) -> None:
        found.fill(text)

    def follow(self, name: str) -> None:
        """Follow a link of the page's main part, by its name."""
        self.activate(self.page.get_by_role("main").get_by_role("link", name=name).first)

    def press(self, name: str) -> None:
        """Press a button of the page's main part, by its name."""
        self.activate(self.page.get_by_role("main").get_by_role("button", name=name))

    def go(self, name: str) -> None:
        """Follow a link of the page's head, by its name."""
        self.activate(
            self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        )

    def fill(self, label: str, text: str) -> None:
        self.write(self.page.get_by_label(label), text)

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def look(self, name: str) -> None:
        """Keep a picture of the page, and what is wrong with it for those who cannot see it."""
        self.looked_at.append(name)
        number = next(self._numbers)
        self.page.screenshot(path=self.shots / f"{number:02}-{name}.png", full_page=True)
        if not self.scripts:
            return
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > (self.page.viewport_size or {"width": 0})["width"]:
            self.faults.append(f"{name}: {width} px wide")
        for found in Axe().run(self.page).response["violations"]:
            places = [node["target"] for node in found["nodes"]]
            self.faults.append(f"{name}: {found['id']} at {places}")


class Keyboard(Pointer):
    """Tabs to what it wants, then types: what cannot be reached so cannot be used."""

    def activate(self, found: Locator) -> None:
        self.reach(found)
        found.press("Enter")

    def write(self, found: Locator, text: str) -> None:
        self.reach(found)
        if found.get_attribute("type") == "date":
            year, month, day = text.split("-")
            self.page.keyboard.type(month + day + year)  # the browser itself speaks English
            return
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def reach(self, found: Locator) -> None:
        found.wait_for()
        for _ in range(TABS_MAX):
            if found.evaluate(IS_FOCUSED):
                assert self.is_ringed(found), "what has the focus shows it"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached by the keyboard: {found}")

    def is_ringed(self, found: Locator) -> bool:
        style = found.evaluate("element => getComputedStyle(element).outlineStyle")
        return bool(style != "none")
