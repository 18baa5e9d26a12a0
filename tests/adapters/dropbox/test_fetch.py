"""Pull mode, from a real server with a pinned key, cut and killed."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import pytest

from adapters.dropbox.fetch import (
    Basket,
    HostKeyChanged,
    NoSource,
    OperatorRefuses,
    OperatorSilent,
    Round,
    Source,
    fetch,
    read_source,
)
from metroledger.cli import run_command

CONTENT = os.urandom(1 << 20)


@dataclass
class Operator:
    """A real server of an operator: its files, and where it breaks."""

    root: Path
    source: Source
    cut_after: int | None = None
    """After how many bytes read the connection is cut, once."""
    read: int = 0

    @property
    def files(self) -> Path:
        return self.root / "out"


class Giving(asyncssh.SFTPServer):
    """asyncssh's own server, confined, that cuts its connection where the test says."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], one: Operator) -> None:
        super().__init__(channel, chroot=str(one.root).encode())
        self._one, self._channel = one, channel

    def read(self, file_obj: object, offset: int, size: int) -> bytes | Awaitable[bytes]:
        one = self._one
        one.read += size
        if one.cut_after is not None and one.read > one.cut_after:
            one.cut_after = None
            self._channel.get_connection().abort()
        return super().read(file_obj, offset, size)


@contextlib.asynccontextmanager
async def an_operator(place: Path) -> AsyncIterator[Operator]:
    host, client = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host.write_public_key(place / "host.pub")
    client.write_private_key(place / "client")
    client.write_public_key(place / "client.pub")
    root = place / "theirs"
    (root / "out").mkdir(parents=True)
    source = read_source("sftp://us@127.0.0.1/out", place / "client", place / "host.pub")
    one = Operator(root=root, source=source)
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host],
        authorized_client_keys=str(place / "client.pub"),
        sftp_factory=lambda channel: Giving(channel, one),
    )
    one.source = replace(source, port=server.get_port())
    async with server:
        yield one


def basket_in(place: Path) -> Basket:
    return Basket(directory=place / "ours", journal=place / "fetched" / "enedis")


def ours(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (place / "ours").iterdir()}


def test_files_are_brought_once_and_stay_where_they_were(tmp_path: Path) -> None:
    async def story() -> tuple[Round, Round]:
        async with an_operator(tmp_path) as one:
            (one.files / "b.zip").write_bytes(CONTENT)
            (one.files / "a.zip").write_bytes(b"")
            first = await fetch(one.source, basket_in(tmp_path), delete=False)
            for path in (tmp_path / "ours").iterdir():  # taken in, and emptied from the disk
                assert path.read_bytes() == (one.files / path.name).read_bytes()
                path.unlink()
            return first, await fetch(one.source, basket_in(tmp_path), delete=False)

    first, second = asyncio.run(story())
    assert first == Round(brought=("a.zip", "b.zip"), waiting=0, passed_over=0)
    assert second == Round(brought=(), waiting=0, passed_over=0)
    assert ours(tmp_path) == {}


def test_what_was_brought_is_deleted_there_only_when_asked(tmp_path: Path) -> None:
    async def story() -> list[bool]:
        async with an_operator(tmp_path) as one:
            file = one.files / "a.zip"
            file.write_bytes(CONTENT)
            await fetch(one.source, basket_in(tmp_path), delete=False)
            kept = file.exists()
            await fetch(one.source, basket_in(tmp_path), delete=True)
            return [kept, file.exists()]

    assert asyncio.run(story()) == [True, False]
    assert ours(tmp_path) == {"a.zip": CONTENT}


@pytest.mark.parametrize("cut_after", [1, 400_000, 1_000_000])
def test_a_fetch_that_is_cut_goes_on_where_it_ended(tmp_path: Path, cut_after: int) -> None:
    async def story() -> tuple[int, Round, int]:
        async with an_operator(tmp_path) as one:
            (one.files / "a.zip").write_bytes(CONTENT)
            one.cut_after = cut_after
            with pytest.raises(OperatorSilent):
                await fetch(one.source, basket_in(tmp_path), delete=True)
            assert "a.zip" not in ours(tmp_path)
            [partial] = (tmp_path / "ours").iterdir()
            kept, one.read = partial.stat().st_size, 0
            return kept, await fetch(one.source, basket_in(tmp_path), delete=True), one.read

    kept, done, read_again = asyncio.run(story())
    assert done.brought == ("a.zip",)
    assert read_again == len(CONTENT) - kept
    assert ours(tmp_path) == {"a.zip": CONTENT}


def test_another_version_begins_anew_and_never_joins_an_older_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_operator(tmp_path) as one:
            (one.files / "a.zip").write_bytes(CONTENT)
            one.cut_after = 600_000
            with pytest.raises(OperatorSilent):
                await fetch(one.source, basket_in(tmp_path), delete=False)
            (one.files / "a.zip").write_bytes(CONTENT[::-1] + b"longer")
            await fetch(one.source, basket_in(tmp_path), delete=False)

    asyncio.run(story())
    assert ours(tmp_path) == {"a.zip": CONTENT[::-1] + b"longer"}


def test_a_name_that_other_content_bears_waits_and_is_not_deleted(tmp_path: Path) -> None:
    async def story() -> tuple[Round, bool, Round]:
        async with an_operator(tmp_path) as one:
            (tmp_path / "ours").mkdir()
            (tmp_path / "ours" / "a.zip").write_bytes(b"not taken in yet")
            (one.files / "a.zip").write_bytes(CONTENT)
            waits = await fetch(one.source, basket_in(tmp_path), delete=True)
            kept = (one.files / "a.zip").exists()
            assert ours(tmp_path)["a.zip"] == b"not taken in yet"
            (tmp_path / "ours" / "a.zip").unlink()
            return waits, kept, await fetch(one.source, basket_in(tmp_path), delete=True)

    waits, kept, done = asyncio.run(story())
    assert (waits.waiting, waits.brought, kept) == (1, (), True)
    assert done.brought == ("a.zip",)
    assert ours(tmp_path) == {"a.zip": CONTENT}


def test_a_kill_between_the_name_and_the_journal_brings_nothing_twice(tmp_path: Path) -> None:
    async def story() -> Round:
        async with an_operator(tmp_path) as one:
            (one.files / "a.zip").write_bytes(CONTENT)
            basket = basket_in(tmp_path)
            await fetch(one.source, basket, delete=False)
            whole = basket.journal.read_bytes()
            basket.journal.write_bytes(whole[:-1])  # a kill in the middle of its line
            await fetch(one.source, basket, delete=False)
            return await fetch(one.source, basket, delete=False)

    assert asyncio.run(story()).brought == ()
    assert ours(tmp_path) == {"a.zip": CONTENT}


def test_what_is_no_plain_finished_file_is_passed_over(tmp_path: Path) -> None:
    async def story() -> Round:
        async with an_operator(tmp_path) as one:
            (one.files / "a.zip").write_bytes(b"good")
            (one.files / "large.zip").write_bytes(b"too large")
            (one.files / "grows.zip.part").write_bytes(b"x")
            (one.files / ".hidden").write_bytes(b"x")
            (one.files / "a b.zip").write_bytes(b"x")
            (one.files / "directory.zip").mkdir()
            (one.files / "link.zip").symlink_to("a.zip")
            os.mkfifo(one.files / "pipe.zip")
            basket = replace(basket_in(tmp_path), file_bytes_max=5)
            return await fetch(one.source, basket, delete=True)

    done = asyncio.run(story())
    assert done == Round(brought=("a.zip",), waiting=0, passed_over=7)
    assert ours(tmp_path) == {"a.zip": b"good"}


def test_a_changed_host_key_is_refused_and_nothing_is_fetched(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_operator(tmp_path) as one:
            (one.files / "a.zip").write_bytes(b"x")
            asyncssh.generate_private_key("ssh-ed25519").write_public_key(tmp_path / "other.pub")
            await fetch(
                replace(one.source, host_key=tmp_path / "other.pub"),
                basket_in(tmp_path),
                delete=True,
            )

    with pytest.raises(HostKeyChanged, match="telephone"):
        asyncio.run(story())
    assert ours(tmp_path) == {}


def test_a_key_or_a_directory_that_the_operator_does_not_know_is_said_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_operator(tmp_path) as one:
            asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other")
            for source in (
                replace(one.source, key=tmp_path / "other"),
                replace(one.source, directory="/elsewhere"),
            ):
                with pytest.raises(OperatorRefuses):
                    await fetch(source, basket_in(tmp_path), delete=True)

    asyncio.run(story())


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_operator(tmp_path) as one:
            source = one.source
        await fetch(source, basket_in(tmp_path), delete=False)

    with pytest.raises(OperatorSilent):
        asyncio.run(story())


@pytest.mark.parametrize(
    "address",
    ["", "us@host", "http://us@host/", "sftp://host/", "sftp://us:secret@host/", "sftp://us@h:x/"],
)
def test_what_is_no_address_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(NoSource) as refused:
        read_source(address, tmp_path, tmp_path)
    assert "secret" not in str(refused.value)


def test_the_command_wants_a_ledger_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fetch", "enedis", "--from", "sftp://us@host/", "--key", "k", "--host-key", "h"]
    assert run_command(words, {"METROLEDGER_HOME": str(tmp_path)}) == 1
    assert "metroledger init" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
