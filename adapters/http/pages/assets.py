"""Style sheets and pictures: read once, served from memory, named by their content.

A name holds a digest of the file, so browsers keep it for a year and never show an old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from adapters.http.site import Site

_DIRECTORY: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_THEME: Final = "theme.css"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """The files by the name they are served under, and that name by their own."""

    contents: dict[str, tuple[bytes, str]] = field(repr=False)
    names: dict[str, str]

    def address(self, name: str) -> str:
        """Return where a file is served."""
        return f"/static/{self.names[name]}"

    @property
    def style_sheets(self) -> list[str]:
        """The addresses of the style sheets in their order, a metropolis's own tokens last."""
        names = ["tokens.css", _THEME, "portal.css"]
        return [self.address(name) for name in names if name in self.names]

    def router(self) -> APIRouter:
        """Return the route that serves them."""
        routes = APIRouter()

        @routes.get("/static/{name}", include_in_schema=False)
        def static(name: str) -> Response:
            if name not in self.contents:
                raise HTTPException(404)
            content, media_type = self.contents[name]
            return Response(content, media_type=media_type, headers=_KEPT)

        return routes


def read_assets(site: Site) -> Assets:
    """Read the files that come with the portal, and the theme where the site has one."""
    paths = {path.name: path for path in _DIRECTORY.iterdir() if path.suffix in _TYPES}
    if site.theme is not None:
        paths[_THEME] = site.theme
    contents, names = {}, {}
    for name, path in paths.items():
        content = path.read_bytes()
        stem, _, suffix = name.rpartition(".")
        names[name] = f"{stem}.{blake2b(content, digest_size=6).hexdigest()}.{suffix}"
        contents[names[name]] = content, _TYPES[f".{suffix}"]
    return Assets(contents=contents, names=names)
