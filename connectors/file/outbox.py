"""The folder of a file destination: whole files appear in it, flushed to disk, or none.

All of it blocks and runs on the destination's own thread, for a batch at a time: every file is
written and flushed under a temporary name, then named, then the folder is flushed once.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Sequence

from vagus.kernel.errors import ConfigError, DeliveryDelayed, DeliveryError, DeliveryRejected

_PREFIX, _TEMPORARY = ".vagus-", ".tmp"
_STALE_SECONDS = 3600.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_VARIANTS = 99
_CODES = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
}

Item = tuple[str, bytes]


class Outbox:
    """One folder to write to."""

    def __init__(self, folder: str, *, create: bool = False) -> None:
        self._folder = folder
        self._create = create
        self._place = -1

    def open(self) -> None:
        """Open the folder and clear away what a crash left; ConfigError when it cannot be used."""
        try:
            if self._create:
                os.makedirs(self._folder, exist_ok=True)
            self._place = os.open(self._folder, _FOLDER)
        except OSError as error:
            raise ConfigError(
                f"the folder {self._folder} cannot be used: {error.strerror}; create it"
            ) from None
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise ConfigError(f"the folder {self._folder} cannot be written to: grant the right")
        limit = time.time() - _STALE_SECONDS
        for name in os.listdir(self._place):
            if name.startswith(_PREFIX) and name.endswith(_TEMPORARY):
                found = os.stat(name, dir_fd=self._place, follow_symlinks=False)
                if found.st_mtime < limit:
                    self._forget(name)

    def close(self) -> None:
        """Let go of the folder."""
        if self._place >= 0:
            os.close(self._place)
            self._place = -1

    def write(self, items: Sequence[Item]) -> list[str | DeliveryError]:
        """Write a batch; for each the name it got, or why it has none."""
        try:
            self._follow()
        except OSError as error:
            return [_delayed(error) for _ in items]
        staged = [self._stage(body) for _, body in items]
        staged = [self._flush(file) for file in staged]
        results = [
            self._name(file, name, body) for file, (name, body) in zip(staged, items, strict=True)
        ]
        if any(isinstance(result, str) for result in results):
            try:
                os.fsync(self._place)
            except OSError as error:
                lost = _delayed(error, unknown=True)
                return [lost if isinstance(result, str) else result for result in results]
        return results

    def _follow(self) -> None:
        """Open the folder again if another one bears its name now."""
        now = os.stat(self._folder)
        if self._place >= 0 and os.path.samestat(now, os.fstat(self._place)):
            return
        self.close()
        self._place = os.open(self._folder, _FOLDER)

    def _stage(self, body: bytes) -> tuple[str, int] | DeliveryError:
        temporary = f"{_PREFIX}{secrets.token_hex(8)}{_TEMPORARY}"
        try:
            file = os.open(temporary, _NEW, 0o640, dir_fd=self._place)
        except OSError as error:
            return _delayed(error)
        try:
            view = memoryview(body)
            while view:
                view = view[os.write(file, view) :]
        except OSError as error:
            os.close(file)
            self._forget(temporary)
            return _delayed(error)
        return temporary, file

    def _flush(self, file: tuple[str, int] | DeliveryError) -> tuple[str, int] | DeliveryError:
        if isinstance(file, DeliveryError):
            return file
        try:
            os.fsync(file[1])
        except OSError as error:
            self._forget(file[0])
            return _delayed(error)
        finally:
            os.close(file[1])
        return file

    def _name(
        self, file: tuple[str, int] | DeliveryError, name: str, body: bytes
    ) -> str | DeliveryError:
        if isinstance(file, DeliveryError):
            return file
        temporary = file[0]
        stem, dot, end = name.partition(".")
        try:
            for variant in range(1, _MAX_VARIANTS + 1):
                wanted = name if variant == 1 else f"{stem}-{variant}{dot}{end}"
                if self._link(temporary, wanted) or self._holds(wanted, body):
                    return wanted
        except OSError as error:
            return _delayed(error)
        finally:
            self._forget(temporary)
        return DeliveryRejected("exists")

    def _link(self, temporary: str, name: str) -> bool:
        """Give the file its name unless that is taken."""
        here = self._place
        try:
            os.link(temporary, name, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
            # A file system without links: we are its only writer of this name.
            try:
                os.stat(name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                os.rename(temporary, name, src_dir_fd=here, dst_dir_fd=here)
                return True
            return False
        return True

    def _holds(self, name: str, body: bytes) -> bool:
        """Whether that file is an earlier attempt to deliver the very same bytes."""
        try:
            with open(os.open(name, _OLD, dir_fd=self._place), "rb") as file:
                return file.read(len(body) + 1) == body
        except OSError:
            return False

    def _forget(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._place)
        except OSError:
            pass


def _delayed(error: OSError, *, unknown: bool = False) -> DeliveryDelayed:
    return DeliveryDelayed(_CODES.get(error.errno or 0, "io"), unknown=unknown)
