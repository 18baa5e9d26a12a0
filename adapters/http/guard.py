"""Around every answer: headers that keep browsers safe, and limits to what is sent and waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from adapters.http.api.commands import ROOT
from adapters.http.api.problems import answer_to
from application.waiting import due_within
from domain.errors import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX: Final = 64 * 1024
"""Bytes of a request's body: forms and commands are small."""

ANSWER_S: Final = 8.0
"""How long a request may wait for the log, in all, from its arrival: it is answered within 10."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TLS: Final = {"Strict-Transport-Security": "max-age=63072000"}
_UNKEPT: Final = {"Cache-Control": "no-store"}
_TOO_LARGE: Final = b"request body too large\n"


class BodyTooLarge(Refused):
    """The body of the request is larger than anything that is sent here."""

    status = 413

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(f"a body has {BODY_MAX} bytes at most; send less")


class Guard:
    """Pure ASGI, so that it costs microseconds and sees every answer, errors included."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        """Take the application, and whether browsers come over TLS."""
        self._app = app
        said = HEADERS | (_TLS if secure else {}) | _UNKEPT
        self._headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        left = BODY_MAX

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._protect(message)
            await send(message)

        if _declares_too_much(scope):
            await _refuse(scope, receive, guarded)
            return
        try:
            with due_within(ANSWER_S):
                await self._app(scope, bounded, guarded)
        except BodyTooLarge:
            if not started:
                await _refuse(scope, receive, guarded)

    def _protect(self, start: Message) -> None:
        """Add to an answer's headers those of ours that it has not of its own."""
        own = list(start["headers"])
        names = {name for name, _ in own}
        start["headers"] = own + [one for one in self._headers if one[0] not in names]


def _declares_too_much(scope: Scope) -> bool:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    return not declared.isdigit() or int(declared) > BODY_MAX


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the application is asked: a problem to a program, a line to a browser."""
    answer = Response(_TOO_LARGE, 413, media_type="text/plain")
    if scope["path"].startswith(ROOT):
        answer = answer_to(BodyTooLarge())
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
