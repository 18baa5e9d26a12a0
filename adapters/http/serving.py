"""Serve an application over HTTP in a thread of this process."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

_START_S: Final = 10.0
_CONNECTIONS_MAX: Final = 512
_ENDING_S: Final = 10


@contextlib.contextmanager
def served(app: ASGIApp, address: tuple[str, int], *, shared: bool = False) -> Iterator[int]:
    """Serve an application; yields the port it is bound to, also where it was 0.

    Where the address is `shared`, other processes of the same user may serve it too, and the
    system hands out the connections.
    Beyond a few hundred connections at once it answers 503. At the end what is being
    answered is answered. Raises `OSError` where the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.create_server(
        address, family=family, backlog=_CONNECTIONS_MAX, reuse_port=shared
    ) as bound:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS_MAX,
            timeout_graceful_shutdown=_ENDING_S,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [bound]}, name="http", daemon=True
        )
        thread.start()
        deadline = time.monotonic() + _START_S
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
