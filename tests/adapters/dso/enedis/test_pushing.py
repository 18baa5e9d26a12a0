"""Nights pushed over real SFTP, into a real server, with real cuts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

import asyncssh
import pytest

from adapters.dso.enedis.names import is_companion
from adapters.dso.enedis.nights import History, Manner, Parcel, parcels, runs, simulated_keyring
from adapters.dso.enedis.pushing import (
    TEMPORARY,
    TRIES_MAX,
    BadKeyFile,
    DropBoxRefuses,
    DropBoxSilent,
    NotAnSftpAddress,
    Pace,
    Pushed,
    Target,
    push,
    read_address,
)
from adapters.dso.enedis.series import town
from metroledger.cli import run_command

ACCOUNT = "enedis"
QUICK = Pace(piece=4_096)
ONE_GO = Manner(renamed=True, cut=None)


@dataclass
class Box:
    """A real server that keeps what it is sent, and what it was asked to do to it."""

    root: Path
    target: Target
    closed: list[str]
    cuts: list[int]
    """After how many bytes written a connection is cut, one cut each, the last first."""


class Keeping(asyncssh.SFTPServer):
    """asyncssh's own server, confined, that cuts its connection where the test says."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], box: Box) -> None:
        super().__init__(channel, chroot=str(box.root).encode())
        self._box, self._channel, self._written = box, channel, 0

    def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
        self._written += len(data)
        if self._box.cuts and self._written > self._box.cuts[-1]:
            self._box.cuts.pop()
            self._channel.get_connection().abort()
        return super().write(file_obj, offset, data)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._box.closed.append(oldpath.decode())
        super().posix_rename(oldpath, newpath)


@contextlib.asynccontextmanager
async def drop_box(place: Path) -> AsyncIterator[Box]:
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "client")}
    for name, key in keys.items():
        key.write_private_key(place / name)
        key.write_public_key(place / f"{name}.pub")
    root = place / "incoming"
    root.mkdir()
    target = Target(
        host="127.0.0.1",
        port=0,
        account=ACCOUNT,
        directory=PurePosixPath("/"),
        key=place / "client",
        host_key=place / "host.pub",
    )
    box = Box(root=root, target=target, closed=[], cuts=[])
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[keys["host"]],
        authorized_client_keys=str(place / "client.pub"),
        sftp_factory=lambda channel: Keeping(channel, box),
    )
    box.target = replace(target, port=server.get_port())
    async with server:
        yield box


async def push_all(sent: list[Parcel], box: Box) -> list[Pushed]:
    return [pushed async for pushed in push(sent, box.target, QUICK)]


def pointed(target: Target, which: str, path: Path) -> Target:
    return replace(target, key=path) if which == "key" else replace(target, host_key=path)


def week(seed: int) -> list[Parcel]:
    history = History(seed=seed, town=town(seed, 12), points_a_file=5)
    keyring = simulated_keyring(seed)
    first = date(2026, 6, 4)
    planned = runs(history, first, first + timedelta(days=6))
    return [parcel for run in planned for parcel in parcels(run, keyring)]


def test_a_week_arrives_as_it_was_planned_whatever_the_manner(tmp_path: Path) -> None:
    sent = week(1)

    async def story() -> Box:
        async with drop_box(tmp_path) as box:
            await push_all(sent, box)
            return box

    box = asyncio.run(story())
    assert len(sent) > 15
    assert {path.name: path.read_bytes() for path in box.root.iterdir()} == {
        parcel.name: parcel.content for parcel in sent
    }
    renamed = [p.name for p in sent if p.manner.renamed]
    assert [Path(old).name for old in box.closed] == [f"{name}{TEMPORARY}" for name in renamed]
    assert any(is_companion(parcel.name) for parcel in sent)


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 500, 999])
def test_a_file_that_is_cut_goes_on_over_another_connection(
    tmp_path: Path, cut: int, *, renamed: bool
) -> None:
    manner = Manner(renamed=renamed, cut=cut)
    parcel = Parcel(name="f.zip", content=bytes(range(256)) * 50, manner=manner)

    async def story() -> tuple[Box, list[Pushed]]:
        async with drop_box(tmp_path) as box:
            return box, await push_all([parcel], box)

    box, [pushed] = asyncio.run(story())
    assert pushed.tries == 1
    assert [path.name for path in box.root.iterdir()] == ["f.zip"]
    assert (box.root / "f.zip").read_bytes() == parcel.content


def test_a_connection_that_breaks_is_made_again_and_the_file_is_whole(tmp_path: Path) -> None:
    parcel = Parcel(name="f.zip", content=bytes(range(256)) * 100, manner=ONE_GO)

    async def story() -> tuple[Box, list[Pushed]]:
        async with drop_box(tmp_path) as box:
            box.cuts = [20_000, 9_000]
            return box, await push_all([parcel], box)

    box, [pushed] = asyncio.run(story())
    assert pushed.tries == 3
    assert (box.root / "f.zip").read_bytes() == parcel.content


def test_a_drop_box_that_always_breaks_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    parcel = Parcel(name="f.zip", content=b"x" * 9_000, manner=ONE_GO)

    async def story() -> None:
        async with drop_box(tmp_path) as box:
            box.cuts = [0] * TRIES_MAX
            await push_all([parcel], box)

    with pytest.raises(DropBoxSilent, match=f"{TRIES_MAX} tries"):
        asyncio.run(story())


@pytest.mark.parametrize("which", ["key", "host_key"])
def test_a_wrong_key_on_either_side_is_refused_at_once(tmp_path: Path, which: str) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    stranger.write_private_key(tmp_path / "stranger")
    stranger.write_public_key(tmp_path / "stranger.pub")
    path = tmp_path / ("stranger" if which == "key" else "stranger.pub")

    async def story() -> list[Path]:
        async with drop_box(tmp_path) as box:
            target = pointed(box.target, which, path)
            with pytest.raises(DropBoxRefuses):
                [p async for p in push([Parcel(name="f", content=b"f", manner=ONE_GO)], target)]
            return list(box.root.iterdir())

    assert asyncio.run(story()) == []


@pytest.mark.parametrize("which", ["key", "host_key"])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, which: str) -> None:
    async def story() -> None:
        async with drop_box(tmp_path) as box:
            (tmp_path / "empty").write_text("no key\n", "utf-8")
            target = pointed(box.target, which, tmp_path / "empty")
            [p async for p in push([], target)]

    with pytest.raises(BadKeyFile, match="empty"):
        asyncio.run(story())


def test_an_address_is_read_in_its_parts() -> None:
    assert read_address("sftp://enedis@box.example.org:2022/in") == (
        *("enedis", "box.example.org", 2022, "/in"),
    )
    assert read_address("sftp://enedis@[::1]") == ("enedis", "::1", 22, "/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "box.example.org",
        "http://enedis@box.example.org/",
        "sftp://box.example.org/",
        "sftp://enedis:secret@box.example.org/",
        "sftp://enedis@box.example.org:99999/",
        "sftp://enedis@box.example.org/?x",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotAnSftpAddress) as refused:
        read_address(text)
    assert "secret" not in str(refused.value)


def test_the_command_pushes_days_and_writes_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> Box:
        async with drop_box(tmp_path) as box:
            target = box.target
            words = (
                *("simulate", "enedis", "--to", f"sftp://{ACCOUNT}@127.0.0.1:{target.port}/"),
                *("--key", str(target.key), "--host-key", str(target.host_key)),
                *("--first-day", "2026-06-06", "--days", "2", "--meters", "3"),
            )
            assert await asyncio.to_thread(run_command, words, {}) == 0
            return box

    box = asyncio.run(story())
    told = capsys.readouterr().out
    assert told.count("night 2026-06-0") == 2
    assert all(path.name in told for path in box.root.iterdir())
    assert run_command(["simulate", "enedis-keys", str(tmp_path / "keys.json")], {}) == 0
    assert "AES-128-CBC" in (tmp_path / "keys.json").read_text("utf-8")
