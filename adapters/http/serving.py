"""Serve an application over HTTP in a thread of this process, alone or beside others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

import uvicorn
from typing_extensions import override

from application.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

_START_S: Final = 10.0
_CONNECTIONS_MAX: Final = 512
_ENDING_S: Final = 10

_YIELD_S: Final = 0.0005
"""How long a process lets others go first for a connection, for each that it has."""

_YIELD_MAX_S: Final = 0.005
_AT_ONCE: Final = 8
"""Of so many connections that a process has, it takes one more at a time."""

_PAUSE_S: Final = 1.0
_REQUEST_BYTES: Final = 64 << 10
_AWAY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\n"
    b"Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)
_AWAY_TEXT: Final = (
    "Le portail redémarre. Rien n’est perdu : réessayez dans un instant.\n"
    "The portal is starting again. Nothing is lost: try again in a moment.\n"
).encode()


def listen(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens at an address, for one process or several to serve.

    Raises `OSError` where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=_CONNECTIONS_MAX)


def turn_away(listening: socket.socket) -> None:
    """Answer 503 to all who wait to be connected; for when nobody serves the socket.

    Not one is waited for: `listening` does not block, nor does what is read of their request. And
    no more than may wait at once: the caller has other things to do.
    """
    listening.settimeout(0)
    with contextlib.suppress(OSError):  # nobody waits, or whoever did went away
        for _ in range(_CONNECTIONS_MAX):
            connection, _address = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(0)
                connection.send(_AWAY % (len(_AWAY_TEXT), _AWAY_TEXT))
                connection.recv(_REQUEST_BYTES)  # unread, it would have the answer torn up


@contextlib.contextmanager
def served(app: ASGIApp, at: tuple[str, int] | socket.socket) -> Iterator[int]:
    """Serve an application at an address, or a socket that others serve too; yields the port.

    Beyond a few hundred connections at once it answers 503. At the end what is being
    answered is answered. Raises `OSError` where the address cannot be had.
    """
    shared = isinstance(at, socket.socket)
    with at if isinstance(at, socket.socket) else listen(at) as listening:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS_MAX,
            timeout_graceful_shutdown=_ENDING_S,
        )
        server = _Server(config, shared=shared)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="http", daemon=True
        )
        thread.start()
        port: int = listening.getsockname()[1]
        deadline = time.monotonic() + _START_S
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Takes connections one by one, so that processes at one socket come to have equally many.

    Left to itself the event loop takes all that wait at once; and where each process has a
    socket of its own at one port, the system deals connections by a hash. Either way one
    process comes to have most of sixteen kept connections, and whoever shares it waits.
    """

    def __init__(self, config: uvicorn.Config, *, shared: bool) -> None:
        """Take what to serve and how, and whether others serve the same sockets."""
        super().__init__(config)
        self._shared = shared
        self._taking: list[asyncio.Task[None]] = []

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._taking = [asyncio.create_task(self._take(one)) for one in sockets or ()]

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, then let those who are end; uvicorn closes `sockets` first."""
        for taking in self._taking:
            taking.cancel()
        await asyncio.wait(self._taking)
        await super().shutdown(sockets)

    async def _take(self, listening: socket.socket) -> None:
        """Take connections for ever; the more there are here, the longer others may go first.

        And the more at a time, so that a crowd of short ones does not wait for that.
        """
        loop = asyncio.get_running_loop()
        listening.settimeout(0)
        while True:
            try:
                await _readable(listening)
                here = len(self.server_state.connections)
                if self._shared:
                    await asyncio.sleep(min(_YIELD_S * here, _YIELD_MAX_S))
                for _ in range(1 + here // _AT_ONCE if self._shared else _CONNECTIONS_MAX):
                    connection, _address = listening.accept()
                    await loop.connect_accepted_socket(self._protocol, connection)
            except (BlockingIOError, ConnectionError):
                continue  # another process was first, or they went away
            except OSError as error:  # as asyncio does when there are too many open files
                tell("connection-not-taken", logging.ERROR, error=error)
                await asyncio.sleep(_PAUSE_S)

    def _protocol(self) -> asyncio.Protocol:
        """Return what speaks HTTP on a connection, as uvicorn makes it for its own sockets."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # of a class unknown here
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


async def _readable(listening: socket.socket) -> None:
    """Wait until somebody asks to be connected."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_reader(listening, asked.set)
    try:
        await asked.wait()
    finally:
        loop.remove_reader(listening)
