"""Deliver a town's files through the drop box while connections are cut and processes killed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import asyncssh

from adapters.dropbox.quota import Quota
from adapters.dropbox.server import Door, listen, make_host_key
from metroledger.settings import QUIET_SECONDS
from tests.application.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.application.world import Place

PIECE = 1 << 12
PAUSE_S = 0.05


@dataclass(slots=True)
class Cuts:
    """How many connections were cut in a file, and how many files were gone on with after it."""

    cut: int = 0
    resumed: int = 0


def push_with_cuts(place: Place, files: Sequence[Path], chance: Random, cuts: int) -> Cuts:
    """Push every file over real SFTP, cutting `cuts` connections at random offsets."""
    box = place.settings.dropbox
    box.accounts.mkdir(parents=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_public_key(box.accounts / "enedis.pub")
    make_host_key(box.host_key)
    door = Door(
        accounts=box.accounts,
        incoming=box.place / "incoming",
        counts=box.counts,
        quota=Quota(),
        today=lambda: date(2026, 6, 9),
    )
    done = Cuts()

    async def run() -> None:
        async with await listen("127.0.0.1", 0, door, box.host_key) as server:
            client = Pushing(server.get_port(), key, box.host_key)
            for number, path in enumerate(files):
                left = cuts * (number + 1) // len(files) - done.cut
                await client.push(path.name, path.read_bytes(), chance, left, done)

    asyncio.run(run())
    return done


@dataclass(slots=True)
class Pushing:
    """An operator that begins again after each cut: where it stood, or from the beginning."""

    port: int
    key: asyncssh.SSHKey
    host_key: Path

    async def push(self, name: str, content: bytes, chance: Random, cuts: int, done: Cuts) -> None:
        temporary = chance.random() < 0.5
        target = f"{name}.filepart" if temporary else name
        begun = 0
        for _ in range(cuts):
            resumes = begun > 0 and chance.random() < 0.5
            begun = await self._cut(target, content, chance, resumes=resumes)
            done.cut += 1
            done.resumed += resumes
        async with self._connect() as connection, connection.start_sftp_client() as client:
            async with client.open(target, "wb") as file:
                await file.write(content)
            if temporary:
                await client.posix_rename(target, name)

    async def trickle(self, name: str, content: bytes) -> None:
        """Push a file slowly, in pieces; raises what asyncssh does where it is cut off.

        The client of asyncssh closes a file without a word where the connection is lost already;
        so it asks for the file afterwards.
        """
        async with self._connect() as connection, connection.start_sftp_client() as client:
            async with client.open(name, "wb") as file:
                for at in range(0, len(content), PIECE):
                    await file.write(content[at : at + PIECE])
                    await asyncio.sleep(PAUSE_S)
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):  # it was collected since
                await client.stat(name)

    async def _cut(self, name: str, content: bytes, chance: Random, *, resumes: bool) -> int:
        async with self._connect() as connection:
            client = await connection.start_sftp_client()
            at = await client.getsize(name) if resumes else 0
            at = int(at or 0)
            file = await client.open(name, "ab" if resumes else "wb")
            end = chance.randint(at, len(content))
            while at < end:
                piece = content[at : min(at + PIECE, end)]
                await file.write(piece)
                at += len(piece)
            connection.abort()
        return at

    def _connect(self) -> asyncssh.misc._ACMWrapper[asyncssh.SSHClientConnection]:
        host = asyncssh.read_private_key(self.host_key).convert_to_public()
        return asyncssh.connect(
            "127.0.0.1",
            self.port,
            username="enedis",
            client_keys=[self.key],
            known_hosts=([host], [], []),
            config=None,
            agent_path=None,
        )


def collect(place: Place) -> subprocess.Popen[str]:
    """Start a process that takes in what lies there, telling each file in a line, and ends."""
    return subprocess.Popen(
        [sys.executable, "-m", "metroledger", "collect", "--once", "--watch"],
        env={**place.environment, QUIET_SECONDS: "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(slots=True)
class Kills:
    """How many collecting processes were killed, and how many of them with files left to do."""

    killed: int = 0
    midway: int = 0


def collect_with_kills(place: Place, files: Sequence[Path], chance: Random, kills: int) -> Kills:
    """Deliver the files in batches, killing a collecting process under each; then let one end.

    Every second kill comes at a moment of the process's whole life, the others shortly after it
    has said that it took the first file.
    """
    incoming = place.settings.dropbox.place / "incoming" / "enedis"
    incoming.mkdir(parents=True)
    done, batch = Kills(), max(3, len(files) // kills)
    for number in range(kills):
        for path in files[number * batch : (number + 1) * batch]:
            shutil.copy(path, incoming)
        with collect(place) as process:
            wait_s = chance.uniform(0, 2.5)
            if number % 2 == 0 and process.stdout is not None:
                process.stdout.readline()
                wait_s = chance.uniform(0, 0.05)
            try:
                process.wait(wait_s)
            except subprocess.TimeoutExpired:
                process.kill()
                done.killed += 1
                done.midway += any(incoming.iterdir())
            process.communicate()
    for path in files:
        shutil.copy(path, incoming)  # every one again: what was taken in is known
    with collect(place) as process:
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert not any(incoming.iterdir())
    return done
