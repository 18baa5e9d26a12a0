"""The templates: escaped always, strict about what they name, and typeset as French is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from typing_extensions import override

from adapters.http.pages import words

if TYPE_CHECKING:
    from adapters.http.pages.assets import Assets
    from adapters.http.site import Site

SERVICE: Final = "MétroEnergies"
"""What the service is called; the metropolis's own name stands beside it."""


class Typography(Extension):
    """Puts the no-break spaces of French into templates, where they are written as plain ones."""

    @override
    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return a template's source, typeset."""
        del name, filename
        return words.typeset(source)


def environment(site: Site, assets: Assets) -> Environment:
    """Return what draws a site's pages."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[Typography],
    )
    made.globals |= {
        "asset": assets.address,
        "style_sheets": assets.style_sheets,
        "service": SERVICE,
        "metropolis": site.metropolis,
        "privacy_contact": site.privacy_contact,
        "words": words,
    }
    made.filters |= {
        "called": _called,
        "day": words.day,
        "raised": _raised,
        "on": words.on,
        "at": words.at,
        "kwh": words.with_unit,
        "typeset": words.typeset,
        "unwrapped": words.unwrapped,
    }
    return made


def _called(value: Any, among: dict[Any, str]) -> str:  # noqa: ANN401 - values of any enumeration
    return words.typeset(among.get(value, str(value)))


def _raised(text: str) -> str:
    """Return a text with a capital in front; what follows keeps its own."""
    return text[:1].upper() + text[1:]
