"""Readers take turns: a page is made at a stretch, and the next one after it.

Pages that are made at once share Python's lock, and each is as late as the last of them: 16
readers wait half as long at the 99th percentile when each page is made at a stretch, and
there are a sixth more pages (`python -m bench.portal`). But nobody may wait for long on a
page that is slow (an export, a database that does not answer): whoever has waited `PATIENCE_S`
goes on beside it. Who writes takes no turn, nor who fetches a style sheet, which is in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE_S: Final = 0.2

_READS: Final = frozenset({"GET", "HEAD"})


class Turns:
    """Pure ASGI around an application."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application."""
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in its turn where it only reads."""
        if scope["type"] != "http" or scope["method"] not in _READS or _at_hand(scope["path"]):
            await self._app(scope, receive, send)
            return
        async with contextlib.AsyncExitStack() as turn:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await turn.enter_async_context(self._turn)

            async def made(message: Message) -> None:
                await turn.aclose()  # however slowly the answer is taken
                await send(message)

            await self._app(scope, receive, made)


def _at_hand(path: str) -> bool:
    return path.startswith("/static/")
