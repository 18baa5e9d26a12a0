"""People who read pages at once: a process that asks, waits and asks again over kept connections.

The lightest client there is, so that what is measured is the server: requests are bytes
made beforehand, an answer is its length and its body, and nobody pauses between two pages.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import uvloop

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_PAGE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of one home: its address, the session's cookie, and words that it must hold."""

    address: str
    cookie: str
    holds: str

    def request(self) -> bytes:
        """Return what a browser would send, without the headers that nobody reads here."""
        head = f"GET {self.address} HTTP/1.1\r\nHost: localhost\r\n"
        return f"{head}Cookie: session={self.cookie}\r\n\r\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Who reads what for how long; `pages` are drawn at random, with a pause after each."""

    port: int
    pages: Sequence[Page]
    readers: int
    seconds: float
    seed: int = 0
    pause_s: float = 0.0


@dataclass(slots=True)
class Timed:
    """What readers saw: each page's milliseconds, over so many seconds, of so many bytes."""

    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    size: int = 0

    @property
    def rate(self) -> float:
        """Pages a second, all readers together."""
        return len(self.milliseconds) / self.seconds

    def quantile(self, share: float) -> float:
        """Return how many milliseconds a share of the pages took at most."""
        ordered = sorted(self.milliseconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    @property
    def middle(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.milliseconds)


def read_round(asked: Round) -> Timed:
    """Read for a round; for a process of its own. Raises `WrongPage`."""
    return uvloop.run(_read(asked))


async def _read(asked: Round) -> Timed:
    timed = Timed()
    begin = time.perf_counter()
    end = begin + asked.seconds
    await asyncio.gather(*(_read_on(asked, one, end, timed) for one in range(asked.readers)))
    timed.seconds = time.perf_counter() - begin
    return timed


async def _read_on(asked: Round, reader: int, end: float, timed: Timed) -> None:
    """Read one page after another until the round ends."""
    chosen = random.Random(f"{asked.seed} {reader}")  # noqa: S311 - which home is read is no secret
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", asked.port, limit=_LARGEST_PAGE)
    while (begin := time.perf_counter()) < end:
        page = chosen.choice(asked.pages)
        outgoing.write(page.request())
        head = await incoming.readuntil(b"\r\n\r\n")
        body = await incoming.readexactly(_length(head))
        timed.milliseconds.append(1e3 * (time.perf_counter() - begin))
        timed.size = len(body)
        if not head.startswith(b"HTTP/1.1 200 ") or page.holds.encode() not in body:
            raise WrongPage(head.split(b"\r\n", 1)[0])
        if asked.pause_s:
            await asyncio.sleep(asked.pause_s)
    outgoing.close()
    await outgoing.wait_closed()


class WrongPage(Exception):
    """A page was refused, or another home's came; the answer's status line says which."""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise WrongPage(head.split(b"\r\n", 1)[0])
