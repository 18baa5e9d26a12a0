"""One operator's directory as its account may use it: bring whole files, and nothing else.

What is being written lies under a hidden name and takes its own only when its sender has
closed it. So a connection that is cut leaves no half file where the watcher looks, and the
sender finds its half file again, by its own name, to go on with it.

Every step names one plain file in one directory, through its descriptor and O_NOFOLLOW; a
name is letters, digits, dots, dashes and underscores, so it leads nowhere else.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from adapters.dropbox.quota import DayCount

_NAME: Final = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,159}", re.ASCII)
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MODE: Final = 0o660


@dataclass(slots=True, eq=False)
class Upload:
    """A file being written; `superseded` when its sender began the same file anew."""

    name: str
    descriptor: int
    appends: bool
    superseded: bool = False


@dataclass(slots=True)
class Account:
    """The one directory of one account, and what it brought today."""

    directory: Path
    count: DayCount
    sessions: int = 0
    _writing: dict[str, Upload] = field(default_factory=dict)

    def begin(self, name: str, *, fresh: bool, create: bool, append: bool) -> Upload:
        """Open a file for writing: `fresh` from nothing, else where it was left off."""
        self.count.add(files=1)
        folder = self._open()
        try:
            half, whole = _is_there(_partial(name), folder), _is_there(name, folder)
            if whole and not half and not fresh:
                os.rename(name, _partial(name), src_dir_fd=folder, dst_dir_fd=folder)
            flags = _FILE | (os.O_CREAT if create else 0) | (os.O_TRUNC if fresh else 0)
            descriptor = os.open(_partial(name), flags, _MODE, dir_fd=folder)
        finally:
            os.close(folder)
        if former := self._writing.get(name):
            former.superseded = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        upload = self._writing[name] = Upload(name, descriptor, append)
        return upload

    def write(self, upload: Upload, offset: int, data: bytes) -> int:
        """Write a piece, within the quota and without leaving a hole."""
        size = os.fstat(upload.descriptor).st_size
        at = size if upload.appends else offset
        if upload.superseded or at > size:
            raise PermissionError(errno.EPERM, "begun anew by another session, or a hole")
        if at + len(data) > self.count.quota.file_bytes:
            raise OSError(errno.EDQUOT, "larger than a file may be")
        self.count.add(size=len(data))
        written = 0
        while written < len(data):
            written += os.pwrite(upload.descriptor, data[written:], at + written)
        return written

    def finish(self, upload: Upload) -> None:
        """Give a file its own name, durably: it has arrived."""
        os.fsync(upload.descriptor)
        self.leave(upload)
        if not upload.superseded:
            self._move(_partial(upload.name), upload.name)

    def leave(self, upload: Upload) -> None:
        """Leave a file as it is, to be gone on with."""
        os.close(upload.descriptor)
        if self._writing.get(upload.name) is upload:
            del self._writing[upload.name]

    def take_back(self, upload: Upload) -> None:
        """Undo `finish`: the sender never asked for it."""
        if not upload.superseded:
            self._move(upload.name, _partial(upload.name))

    def rename(self, old: str, new: str) -> None:
        """Give a file that has arrived another name."""
        self._move(old, new)

    def status(self, name: str) -> os.stat_result:
        """Return the status of a file: of the half one where there is one, to go on with."""
        folder = self._open()
        try:
            for one in (_partial(name), name):
                if _is_there(one, folder):
                    return os.stat(one, dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(folder)
        raise FileNotFoundError(errno.ENOENT, "no such file")

    def _move(self, old: str, new: str) -> None:
        folder = self._open()
        try:
            _is_there(new, folder)
            if not _is_there(old, folder):
                raise FileNotFoundError(errno.ENOENT, "no such file")
            os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
        finally:
            os.close(folder)

    def _open(self) -> int:
        return os.open(self.directory, _FOLDER)


def plain_name(path: bytes) -> str:
    """Return the one name that a path from outside may be; raise `PermissionError` for others."""
    text = path.decode("ascii", "replace").removeprefix("/").removeprefix("./")
    if not _NAME.fullmatch(text):
        raise PermissionError(errno.EPERM, "no such place here")
    return text


def _partial(name: str) -> str:
    return f".{name}.upload"


def _is_there(name: str, folder: int) -> bool:
    """Whether a plain file bears the name; what else may lie there is nobody's to touch."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise PermissionError(errno.EPERM, "no plain file")
    return True
