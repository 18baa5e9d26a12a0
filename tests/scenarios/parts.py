"""Run a ledger's parts as processes, kill any of them at any moment, and see what is left."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh

from adapters.dropbox.server import make_host_key
from metroledger.settings import OPERATIONS, PUBLIC_URL, QUIET_SECONDS, SFTP, WEB
from tests.application.world import ROOT
from tests.scenarios.delivering import Pushing
from tests.scenarios.killing import kill_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from tests.application.world import Place
    from tests.chaos.residents import Residents

PARTS: Final = ("collect", "upkeep", "serve", "dropbox")
SERVER: Final = "postgres"
VICTIMS: Final = (*PARTS, SERVER)
_AGAIN_S: Final = 0.2
_FREE: Final = "127.0.0.1:0"


@dataclass(slots=True)
class Parts:
    """The processes of a ledger at work; each may be killed, and is then started again.

    The portal is at `web`, and each command line begins with `inside`: a namespace, where given.
    What they say goes to the file `log`.
    """

    place: Place
    sftp: int = 0
    web: str = _FREE
    parts: Sequence[str] = PARTS
    inside: Sequence[str] = ()
    log: Path = Path(os.devnull)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *command: str) -> None:
        with self.log.open("ab") as log:
            self.running[command[0]] = subprocess.Popen(
                [*self.inside, sys.executable, "-m", "metroledger", *command],
                env=self._environment(),
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def see_to(self) -> None:
        """Start what has ended by itself, as whoever supervises does."""
        for part in self.parts:
            if part not in self.running or self.running[part].poll() is not None:
                self.start(part)

    def all_live(self) -> None:
        """Fail where a part has ended by itself: whatever broke beside it, it goes on."""
        ended = {
            name: one.returncode for name, one in self.running.items() if one.poll() is not None
        }
        assert not ended, f"ended by themselves: {ended}"

    def kill(self, victim: str) -> bool:
        """Kill -9 a part, or the first process of the database; say whether it was alive."""
        if victim == SERVER:
            return kill_server(self.place)
        process = self.running[victim]
        alive = process.poll() is None
        process.kill()
        process.wait()
        return alive

    def do(self, *command: str) -> None:
        """Run a part to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "metroledger", *command],
            env=self._environment(),
            cwd=ROOT,
            capture_output=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()

    def _environment(self) -> dict[str, str]:
        ours = {
            QUIET_SECONDS: "1",
            WEB: self.web,
            PUBLIC_URL: "http://127.0.0.1",
            OPERATIONS: _FREE,
            SFTP: f"127.0.0.1:{self.sftp}",
        }
        return {**self.place.environment, **ours}


def deliver_with_kills(
    parts: Parts,
    files: Sequence[Path],
    chance: Random,
    kills: int,
    beside: Residents | None = None,
) -> Counter[str]:
    """Push files in while any part is killed -9 and started again; return which kills hit.

    With residents `beside`, each kill waits until they are answered, and all parts live on after
    the last one until each of them was told the end of what they began.
    """
    hit, box = Counter[str](), parts.place.settings.dropbox
    box.accounts.mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_public_key(box.accounts / "enedis.pub")
    make_host_key(box.host_key)
    client = Pushing(parts.sftp, key, box.host_key)
    begun, ended = 0, len(files)
    try:
        for number, victim in enumerate(itertools.islice(_victims(chance), kills)):
            parts.see_to()
            begun, ended = (len(files) * n // kills for n in (number, number + 1))
            with _pushing(client, files[begun:ended], parts.see_to):
                if beside is None:
                    threading.Event().wait(chance.uniform(0.2, 3.0))
                else:
                    beside.back(parts.see_to)
                    threading.Event().wait(chance.uniform(0.0, 0.5))
                hit[victim] += parts.kill(victim)
                if victim != SERVER:
                    parts.start(victim)
        if beside is not None:
            beside.back(parts.see_to)
            beside.finish()
    finally:
        parts.end()
    parts.do("collect", "--once")
    parts.do("upkeep", "--once")
    left = sorted(one.name for one in (box.place / "incoming" / "enedis").iterdir())
    assert not left
    return hit


def _victims(chance: Random) -> Iterator[str]:
    """Yield victims for ever: in every round each once, in another order."""
    while True:
        yield from chance.sample(VICTIMS, len(VICTIMS))


@contextlib.contextmanager
def _pushing(client: Pushing, files: Sequence[Path], see_to: Callable[[], None]) -> Iterator[None]:
    """Push files meanwhile, each until it was taken whole; wait for the last at the end."""
    pushing = threading.Thread(target=lambda: asyncio.run(_push_all(client, files)))
    pushing.start()
    try:
        yield
    finally:
        while pushing.is_alive():
            see_to()
            pushing.join(_AGAIN_S)


async def _push_all(client: Pushing, files: Sequence[Path]) -> None:
    for path in files:
        while True:
            try:
                await client.trickle(path.name, path.read_bytes())
                break
            except (OSError, asyncssh.Error):
                await asyncio.sleep(_AGAIN_S)
