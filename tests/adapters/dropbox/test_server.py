"""Operators push over real sockets: whole files in, and nothing else in or out."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from adapters.dropbox import server
from adapters.dropbox.quota import Quota
from adapters.dropbox.server import Door, listen, make_host_key

CONTENT = bytes(range(256)) * 2_000
QUOTA = Quota(file_bytes=1_000_000, day_files=40, day_bytes=3_000_000, sessions=3)


@dataclass
class Served:
    """A running server, the operator's key, and where its files arrive."""

    port: int
    place: Path
    quota: Quota

    @property
    def incoming(self) -> Path:
        return self.place / "incoming" / "enedis"

    @property
    def arrived(self) -> dict[str, bytes]:
        files = self.incoming.glob("[!.]*")
        return {path.name: path.read_bytes() for path in files if path.is_file()}

    @contextlib.asynccontextmanager
    async def connect(
        self, account: str = "enedis", key: str = "enedis"
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        host = asyncssh.read_public_key(self.place / "host_key.pub")
        connection = await asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=account,
            client_keys=[str(self.place / key)],
            known_hosts=([host], [], []),
            config=None,
            agent_path=None,
        )
        async with connection:
            yield connection

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[asyncssh.SFTPClient]:
        async with self.connect() as connection, connection.start_sftp_client() as client:
            yield client


def serve(place: Path, use: Callable[[Served], Coroutine[Any, Any, None]], quota: Quota) -> None:
    (accounts := place / "accounts").mkdir()
    for name in ("enedis", "stranger"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(place / name)
        (place / name).chmod(0o600)
        if name == "enedis":
            key.write_public_key(accounts / f"{name}.pub")
    make_host_key(place / "host_key")

    async def run() -> None:
        door = Door(
            accounts=accounts,
            incoming=place / "incoming",
            counts=place / "counts",
            quota=quota,
            today=lambda: date(2026, 6, 9),
        )
        async with await listen("127.0.0.1", 0, door, place / "host_key") as listening:
            await use(Served(listening.get_port(), place, quota))

    asyncio.run(run())


async def put(client: asyncssh.SFTPClient, name: str, content: bytes, mode: str = "wb") -> None:
    async with client.open(name, mode) as file:
        await file.write(content)


def test_a_file_arrives_straight_or_under_another_name_first(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        async with served.session() as client:
            await put(client, "straight.zip", CONTENT)
            await put(client, "/renamed.zip.filepart", CONTENT)
            await client.posix_rename("renamed.zip.filepart", "renamed.zip")
            await put(client, "again.zip.part", CONTENT)
            await client.rename("again.zip.part", "again.zip")
        names = ("straight.zip", "renamed.zip", "again.zip")
        assert served.arrived == dict.fromkeys(names, CONTENT)
        assert (tmp_path / "host_key").stat().st_mode & 0o777 == 0o600

    serve(tmp_path, use, QUOTA)


def test_what_is_being_written_is_hidden_until_its_sender_closes_it(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        async with served.session() as client:
            async with client.open("a.zip", "wb") as file:
                await file.write(CONTENT)
                assert served.arrived == {}
            assert served.arrived == {"a.zip": CONTENT}

    serve(tmp_path, use, QUOTA)


def test_a_cut_upload_does_not_arrive_and_is_gone_on_with_where_it_ended(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        for number, cut in enumerate((0, 1, 999, 300_000, len(CONTENT))):
            name = f"{number}.zip"
            async with served.connect() as connection:
                client = await connection.start_sftp_client()
                file = await client.open(name, "wb")
                await file.write(CONTENT[:cut])
                connection.abort()
            async with served.session() as client:
                assert name not in served.arrived
                assert await client.getsize(name) == cut
                await put(client, name, CONTENT[cut:], "ab")
            assert served.arrived[name] == CONTENT

    serve(tmp_path, use, Quota())


def test_nobody_comes_in_with_another_key_another_name_or_a_password(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        for account, key in (
            ("enedis", "stranger"),
            ("stranger", "stranger"),
            ("../accounts/enedis", "enedis"),
            ("", "enedis"),
        ):
            with pytest.raises(asyncssh.PermissionDenied):
                async with served.connect(account, key):
                    pass
        (served.place / "accounts" / "enedis.pub").unlink()
        with pytest.raises(asyncssh.PermissionDenied):
            async with served.connect():
                pass

    serve(tmp_path, use, QUOTA)


ESCAPES = ("..", "../secret", "/../secret", "/etc/passwd", "a/../../secret", "link", "a\nb", ".a")


def test_nothing_outside_is_reached_and_nothing_is_read_or_listed(tmp_path: Path) -> None:
    (secret := tmp_path / "secret").write_bytes(b"secret")
    outside = tmp_path / "incoming" / "enedis"
    outside.mkdir(parents=True)
    (outside / "link").symlink_to(secret)
    (outside / "mine.zip").write_bytes(b"mine")

    async def use(served: Served) -> None:
        async with served.session() as client:
            for name in ESCAPES:
                with pytest.raises((asyncssh.SFTPError, OSError)):
                    await put(client, name, b"hostile")
                with pytest.raises(asyncssh.SFTPError):
                    await client.posix_rename("mine.zip", name)
                with pytest.raises(asyncssh.SFTPError):
                    await client.stat(name)
            assert set(await client.listdir("/")) == {".", ".."}
            for refused in (
                client.open("mine.zip", "rb"),
                client.open("mine.zip", "r+b"),
                client.remove("mine.zip"),
                client.mkdir("d"),
                client.symlink("/etc/passwd", "l"),
                client.link("mine.zip", "l"),
                client.readlink("link"),
                client.statvfs("/"),
            ):
                with pytest.raises(asyncssh.SFTPError):
                    await refused
        assert secret.read_bytes() == b"secret"
        assert served.arrived["mine.zip"] == b"mine"

    serve(tmp_path, use, QUOTA)


def test_there_is_no_shell_no_command_and_no_forwarding(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        async with served.connect() as connection:
            for command in (None, "id"):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.create_process(command)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", served.port)
            with pytest.raises((asyncssh.ChannelListenError, OSError)):
                await connection.forward_remote_port("", 0, "127.0.0.1", 1)

    serve(tmp_path, use, QUOTA)


def test_a_quota_stops_a_file_a_day_and_a_crowd(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        async with served.session() as client:
            with pytest.raises(asyncssh.SFTPError):
                await put(client, "large.zip", bytes(QUOTA.file_bytes + 1))
            for number in range(4):
                with contextlib.suppress(asyncssh.SFTPError):
                    await put(client, f"{number}.zip", bytes(900_000))
            assert sum(map(len, served.arrived.values())) <= QUOTA.day_bytes
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(QUOTA.sessions):
                await stack.enter_async_context(served.connect())
            with pytest.raises((asyncssh.Error, OSError)):
                async with served.session():
                    pass

    serve(tmp_path, use, QUOTA)


@pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's sftp is not installed")
def test_the_sftp_of_openssh_pushes_renames_and_goes_on(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        (tmp_path / "a.zip").write_bytes(CONTENT)
        served.incoming.mkdir(parents=True)
        (served.incoming / ".c.zip.upload").write_bytes(CONTENT[:1_000])
        host = (tmp_path / "host_key.pub").read_text().strip()
        (tmp_path / "known").write_text(f"[127.0.0.1]:{served.port} {host}\n")
        batch = "put a.zip a.zip.part\nrename a.zip.part a.zip\nput -p a.zip b.zip\n"
        batch += "reput a.zip c.zip\n"
        process = await asyncio.create_subprocess_exec(
            *("sftp", "-b", "-", "-P", str(served.port), "-i", "enedis", "-F", "none"),
            *("-o", "UserKnownHostsFile=known", "-o", "IdentitiesOnly=yes", "enedis@127.0.0.1"),
            cwd=tmp_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(batch.encode())
        assert process.returncode == 0, out
        assert served.arrived == dict.fromkeys(("a.zip", "b.zip", "c.zip"), CONTENT)

    serve(tmp_path, use, QUOTA)


def test_whoever_does_not_sign_in_or_falls_silent_is_put_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOGIN_S", 0.3)
    monkeypatch.setattr(server, "IDLE_S", 0.3)

    async def use(served: Served) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-dropbox")
        async with asyncio.timeout(5):
            while await reader.read(1_000):
                pass
        writer.close()
        async with served.session() as client:
            await asyncio.sleep(0.6)
            with pytest.raises((asyncssh.Error, OSError)):
                await put(client, "late.zip", CONTENT)
        assert served.arrived == {}

    serve(tmp_path, use, QUOTA)


def test_old_algorithms_are_not_spoken(tmp_path: Path) -> None:
    async def use(served: Served) -> None:
        for old in (
            {"kex_algs": ["diffie-hellman-group14-sha1"]},
            {"encryption_algs": ["aes128-cbc"]},
            {"encryption_algs": ["aes256-ctr"], "mac_algs": ["hmac-sha1"]},
        ):
            with pytest.raises(asyncssh.KeyExchangeFailed):
                await asyncssh.connect(
                    "127.0.0.1", served.port, known_hosts=None, config=None, **old
                )

    serve(tmp_path, use, QUOTA)
