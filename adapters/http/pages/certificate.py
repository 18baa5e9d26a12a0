"""The certificate as a page in French, to be printed and kept: a file that stands alone.

It has its own style, no script, and asks no server for anything. The JSON file that it is drawn
from is inside, and nothing else is: so the page, drawn again from it, is the same to the byte, and
verifies as the file does. Hence no name of a service or a metropolis here, which may change.
"""

from __future__ import annotations

import base64
import html
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from adapters.http.pages import certified, words
from adapters.http.pages.rendering import Typography
from application.certifying import certificate
from domain.errors import Corrupt
from domain.values import PARIS
from proofs.certificate import CertificateMalformed, verify_certificate
from proofs.texts import encode_base64url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from adapters.http.pages.frame import Visit
    from proofs.certificate import Certified
    from proofs.signing import Verifier

TEMPLATES: Final = Path(__file__).parent / "templates"
FIRST_LINE: Final = b"<!DOCTYPE html>\n"
_OPENS, _CLOSES = b'<pre id="document">', b"</pre>"

PRINTS_DRAWN: Final = 1_000
"""More fingerprints than these are in the file alone: nobody reads a hundred pages of them."""


class PageAltered(Corrupt):
    """A certificate's page is not what its own file draws."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the JSON inside this page is genuine, and the page is not what it draws: its words "
            "were altered, or another version of metroledger drew it; believe the JSON alone"
        )


def shown(visit: Visit, stream: UUID) -> Response:
    """Answer with the page of a destruction's certificate; raises `NoCertificate`."""
    data = certificate(visit.services, visit.site.press, stream)
    page = draw(data, verify_certificate(data, [visit.site.verifier]))
    headers = {"Content-Security-Policy": f"{_policy()}; frame-ancestors 'none'"}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def downloaded(visit: Visit, stream: UUID) -> Response:
    """Answer with the file of a destruction's certificate; its name says nothing of anybody."""
    data = certificate(visit.services, visit.site.press, stream)
    headers = {"Content-Disposition": 'attachment; filename="certificat.json"'}
    return Response(data, media_type="application/json", headers=headers)


def draw(data: bytes, proven: Certified) -> bytes:
    """Return the page of a verified certificate, which holds its file."""
    says: Any = proven.says
    scope, steps = proven.certificate.scope, proven.certificate.steps
    page: str = _template().render(
        css=Markup(_css()),  # noqa: S704 - a file of ours
        policy=_policy(),
        own=certified.WORDS[scope.name],
        words=certified,
        says=says,
        epoch=max(says["epochs"].values()),  # whatever a version names: the one without the keys
        hours={name: _hour(text) for name, text in says["hours"].items()},
        said=_said,
        typeset=words.typeset,
        prints=[encode_base64url(one) for one in proven.certificate.fingerprints],
        drawn=PRINTS_DRAWN,
        checkpoint=proven.signed.checkpoint,
        note=proven.certificate.note.decode(),
        digest=sha256(data).hexdigest(),
        document=data.decode(),
        entries=[(step.index, name) for name, step in zip(scope.steps, steps, strict=True)][::-1],
    )
    return page.encode()


def verify_page(page: bytes, verifiers: Iterable[Verifier]) -> Certified:
    """Verify a page offline; raises as `verify_certificate` does, and `PageAltered`."""
    _, _, rest = page.partition(_OPENS)
    inside, _, _ = rest.partition(_CLOSES)
    try:
        data = html.unescape(inside.decode()).encode()
    except ValueError:
        reason = "the page is not UTF-8"
        raise CertificateMalformed(reason) from None
    proven = verify_certificate(data, verifiers)
    if draw(data, proven) != page:
        raise PageAltered
    return proven


def _said(text: str) -> str:
    return words.typeset(certified.SAID.get(text, text))


def _hour(text: str) -> str:
    """Return the hour of a leaf, "2026-11-25T18Z", in French; a stranger's text as it is."""
    try:
        began = datetime.strptime(text, "%Y-%m-%dT%HZ").replace(tzinfo=UTC)
    except ValueError:
        return text
    there = began.astimezone(PARIS)
    return f"{words.day(there.date())}, entre {there.hour} h et {(there.hour + 1) % 24} h"


@cache
def _template() -> Any:  # noqa: ANN401 - jinja's own
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=[Typography],
    )
    return made.get_template("certificate.html")


@cache
def _css() -> str:
    return (TEMPLATES / "certificate.css").read_text("utf-8")


@cache
def _policy() -> str:
    """Return what the page may load: nothing, and of styles its own alone."""
    digest = base64.b64encode(sha256(_css().encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
