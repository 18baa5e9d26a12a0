"""An SFTP server into which operators push: by public key, into one's own directory, write-only.

There is no shell, no command, no forwarding, no listing and no reading back. Keys are those
of `accounts/OPERATOR.pub` at the moment of signing in, so an account is given or taken away
by putting a file there or removing it. Nothing of an operator but numbers goes to the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_READ, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPName
from typing_extensions import override

from adapters.dropbox.quota import DayCount, Quota
from adapters.dropbox.uploads import Account, Upload, plain_name
from application.telling import tell
from keys.files import write_durably

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import date
    from pathlib import Path

ALGORITHMS: Final = {
    "kex_algs": ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"],
    "encryption_algs": ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"],
    "mac_algs": ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
    "compression_algs": ["none"],
    "signature_algs": ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"],
}
"""What is spoken: nothing that is older than what every pushing program of today knows."""

LOGIN_S: Final = 20
IDLE_S: Final = 600
KEEPALIVE_S: Final = 30
STRANGERS_MAX: Final = 32
"""How many connections may be open that nobody has signed in on yet."""

_OPERATOR: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_CONTENT: Final = FXF_WRITE | FXF_READ


@dataclass(slots=True, kw_only=True)
class Door:
    """Who may come in, where each one's directory lies, and where it is kept what they brought."""

    accounts: Path
    incoming: Path
    counts: Path
    quota: Quota
    today: Callable[[], date]
    strangers: int = 0
    _known: dict[str, Account] = field(default_factory=dict)

    def admits(self, operator: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is one of the operator's."""
        if not _OPERATOR.fullmatch(operator):
            return False
        try:
            keys = asyncssh.read_public_key_list(self.accounts / f"{operator}.pub")
        except (OSError, asyncssh.KeyImportError):
            return False
        return key.public_data in {one.public_data for one in keys}

    def account(self, operator: str) -> Account:
        """Return the account of somebody who was admitted."""
        if operator not in self._known:
            place = self.incoming / operator
            place.mkdir(mode=0o770, parents=True, exist_ok=True)
            count = DayCount(self.counts / operator, self.quota, self.today)
            self._known[operator] = Account(place, count)
        return self._known[operator]


class Guard(asyncssh.SSHServer):
    """One connection: lets in who signs with a known key, and counts."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None
        self._account: Account | None = None
        self._stranger = False

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._stranger = True
        self._door.strangers += 1
        if self._door.strangers > STRANGERS_MAX:
            conn.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._know()
        if self._account:
            self._account.sessions -= 1

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def public_key_auth_supported(self) -> bool:
        return True

    @override
    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._door.admits(username, key)

    @override
    def auth_completed(self) -> None:
        self._know()
        if self._connection is None:
            return
        account = self._door.account(self._connection.get_extra_info("username"))
        if account.sessions >= self._door.quota.sessions:
            tell("sftp-too-many-sessions", logging.WARNING, sessions=account.sessions)
            self._connection.abort()
            return
        account.sessions += 1
        self._account = account

    def _know(self) -> None:
        """Count the connection among the strangers no more."""
        self._door.strangers -= self._stranger
        self._stranger = False


class Inbox(asyncssh.SFTPServer):
    """One session of one account: files may be brought, gone on with, and renamed."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], door: Door) -> None:
        super().__init__(channel)
        self._account = door.account(channel.get_extra_info("username"))
        self._connection = channel.get_connection()
        self._loop = asyncio.get_running_loop()
        self._open: set[Upload] = set()
        self._just_closed: list[Upload] = []
        self._idle = self._loop.call_later(IDLE_S, self._connection.abort)

    @override
    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Upload:
        self._stir()
        if pflags & _CONTENT != FXF_WRITE:
            raise _denied()
        upload = self._account.begin(
            plain_name(path),
            fresh=bool(pflags & FXF_TRUNC),
            create=bool(pflags & FXF_CREAT),
            append=bool(pflags & FXF_APPEND),
        )
        self._open.add(upload)
        return upload

    @override
    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._stir()
        return self._account.write(_upload(file_obj), offset, data)

    @override
    def close(self, file_obj: object) -> None:
        """Take a file as arrived.

        asyncssh closes what is open when a connection ends, too, and calls `exit` at once:
        what was closed in the same turn of the loop was not closed by its sender.
        """
        self._stir()
        upload = _upload(file_obj)
        self._open.discard(upload)
        size = os.fstat(upload.descriptor).st_size
        self._account.finish(upload)
        self._just_closed.append(upload)
        self._loop.call_soon(self._arrived, upload, size)

    @override
    def exit(self) -> None:
        self._idle.cancel()
        cut = len(self._open) + len(self._just_closed)
        for upload in self._open:
            self._account.leave(upload)
        for upload in self._just_closed:
            with contextlib.suppress(FileNotFoundError):
                self._account.take_back(upload)
        self._open, self._just_closed = set(), []
        if cut:
            tell("sftp-upload-cut", files=cut)

    @override
    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._stir()
        self._account.rename(plain_name(oldpath), plain_name(newpath))

    @override
    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.rename(oldpath, newpath)

    @override
    def stat(self, path: bytes) -> SFTPAttrs:
        self._stir()
        if _is_root(path):
            return SFTPAttrs(permissions=stat.S_IFDIR | 0o300)
        return _attrs(self._account.status(plain_name(path)))

    @override
    def lstat(self, path: bytes) -> SFTPAttrs:
        return self.stat(path)

    @override
    def fstat(self, file_obj: object) -> SFTPAttrs:
        return _attrs(os.fstat(_upload(file_obj).descriptor))

    @override
    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Let pushing programs set times and modes, which are not kept."""
        self.stat(path)

    @override
    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        self.stat(path)

    @override
    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Let pushing programs set times and modes, which are not kept; and cut a file short."""
        descriptor = _upload(file_obj).descriptor
        if attrs.size is not None and attrs.size < os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, attrs.size)

    @override
    def fsync(self, file_obj: object) -> None:
        os.fsync(_upload(file_obj).descriptor)

    @override
    def realpath(self, path: bytes) -> bytes:
        return b"/" if _is_root(path) else b"/" + plain_name(path).encode("ascii")

    @override
    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """Show a directory without a file, so that programs that look first go on."""
        if not _is_root(path):
            raise _denied()
        for name in (b".", b".."):
            yield SFTPName(name, attrs=SFTPAttrs(permissions=stat.S_IFDIR | 0o300))

    @override
    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        raise _denied()

    @override
    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> object:
        raise _denied()

    @override
    def remove(self, path: bytes) -> None:
        raise _denied()

    @override
    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        raise _denied()

    @override
    def rmdir(self, path: bytes) -> None:
        raise _denied()

    @override
    def readlink(self, path: bytes) -> bytes:
        raise _denied()

    @override
    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise _denied()

    @override
    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise _denied()

    @override
    def statvfs(self, path: bytes) -> os.statvfs_result:
        raise _denied()

    @override
    def fstatvfs(self, file_obj: object) -> os.statvfs_result:
        raise _denied()

    def _arrived(self, upload: Upload, size: int) -> None:
        if upload in self._just_closed:
            self._just_closed.remove(upload)
            tell("sftp-file-arrived", bytes=size)

    def _stir(self) -> None:
        self._idle.cancel()
        self._idle = self._loop.call_later(IDLE_S, self._connection.abort)


def make_host_key(host_key: Path) -> None:
    """Make the host key where there is none, and its public half beside it, for operators."""
    if not host_key.exists():
        host_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(host_key, asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    public = asyncssh.read_private_key(host_key).export_public_key()
    host_key.with_suffix(".pub").write_bytes(public)


async def listen(host: str, port: int, door: Door, host_key: Path) -> asyncssh.SSHAcceptor:
    """Listen for operators, and be known to them by a key that `make_host_key` made."""
    return await asyncssh.listen(
        host,
        port,
        server_factory=lambda: Guard(door),
        server_host_keys=[asyncssh.read_private_key(host_key)],
        sftp_factory=lambda channel: Inbox(channel, door),
        sftp_version=3,
        allow_scp=False,
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        gss_host=None,
        config=None,
        server_version="dropbox",
        login_timeout=LOGIN_S,
        keepalive_interval=KEEPALIVE_S,
        **ALGORITHMS,
    )


def _denied() -> PermissionError:
    return PermissionError(errno.EPERM, "files may be brought here, and nothing else")


def _upload(file_obj: object) -> Upload:
    if not isinstance(file_obj, Upload):
        raise _denied()
    return file_obj


def _is_root(path: bytes) -> bool:
    return path in {b"", b".", b"/", b"/.", b"./"}


def _attrs(status: os.stat_result) -> SFTPAttrs:
    return SFTPAttrs(
        size=status.st_size,
        permissions=stat.S_IFREG | 0o200,
        atime=int(status.st_mtime),
        mtime=int(status.st_mtime),
    )
