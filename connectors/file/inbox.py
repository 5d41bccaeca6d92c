"""The folder of a file source: which files are ready, whose they are, and where they end up.

All of it blocks and runs on the source's own thread. Each running source owns one folder below
`.claimed` and holds its lock; a file belongs to whoever could rename it into his. The folder of a
source that died is unlocked, so its files are taken again.
"""

from __future__ import annotations

import errno
import fcntl
import fnmatch
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.file.config import SourceConfig
from vagus.kernel.errors import ConfigError
from vagus.kernel.log import get_logger

log = get_logger(__name__)

CLAIMED = ".claimed"
#: How much is handed over of a file that is too large.
KEEP = 64 * 1024
TOO_LARGE = "too-large"
UNREADABLE = "unreadable"
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS))


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that is ours; `place` is the open folder it lies in."""

    name: str
    place: int
    body: bytes = b""
    damage: str = ""


class Inbox:
    """One watched folder, seen by one source."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._open: list[int] = []
        self._seen: dict[str, tuple[tuple[int, int, int], float]] = {}
        self._busy: set[str] = set()

    def open(self) -> None:
        """Take possession; ConfigError when a folder cannot be used."""
        root = Path(self._config.folder)
        try:
            if self._config.create:
                root.mkdir(parents=True, exist_ok=True)
            self._root = self._keep(os.open(root, _FOLDER))
            self._done = self._beside(root, self._config.archive)
            self._failed = self._beside(root, self._config.on_failure)
            self._claims = self._beside(root, CLAIMED)
            self._mine = self._own()
        except OSError as error:
            self.close()
            raise ConfigError(
                f"the folder {error.filename or root} cannot be used: {error.strerror}; "
                "create it, or give Vagus the right to read and write there"
            ) from None
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Give the folders back; claims that nobody answered stay for the next start."""
        for place in self._open[4:]:
            self._remove_if_empty(place)
        for place in self._open:
            os.close(place)
        self._open.clear()

    def left_over(self) -> Iterator[Claim]:
        """The files that sources now dead had claimed, oldest claim folder first."""
        for token in sorted(os.listdir(self._claims)):
            try:
                place = os.open(token, _FOLDER | os.O_NOFOLLOW, dir_fd=self._claims)
            except OSError:
                continue
            if os.path.samestat(os.fstat(place), os.fstat(self._mine)) or not _lock(place):
                os.close(place)
                continue
            self._keep(place)
            for name in sorted(os.listdir(place)):
                if claim := self._read(Claim(name, place)):
                    yield claim

    def ready(self, now: float) -> list[str]:
        """The names that match, are files, and have not changed for long enough, in order."""
        seen: dict[str, tuple[tuple[int, int, int], float]] = {}
        found: list[tuple[int, str]] = []
        with os.scandir(self._root) as entries:
            for entry in entries:
                name = entry.name
                if not self._wanted(name) or not entry.is_file(follow_symlinks=False):
                    continue
                try:
                    mark = _mark(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue
                known = self._seen.get(name)
                since = known[1] if known and known[0] == mark else now
                seen[name] = (mark, since)
                if now - since >= self._config.stable and name not in self._busy:
                    found.append((mark[1] if self._config.order == "mtime" else 0, name))
        self._seen = seen
        return [name for _, name in sorted(found)]

    def claim(self, name: str) -> Claim | None:
        """Make a file ours and read it; None when another source has it or it still changes."""
        try:
            os.rename(name, name, src_dir_fd=self._root, dst_dir_fd=self._mine)
        except FileNotFoundError:
            return None
        claim = Claim(name, self._mine)
        expected = self._seen.pop(name, None)
        now = os.stat(name, dir_fd=self._mine, follow_symlinks=False)
        if expected and _mark(now) != expected[0] and self.give_back(claim):
            return None
        if read := self._read(claim):
            self._busy.add(name)
        return read

    def give_back(self, claim: Claim) -> bool:
        """Put a file back where it was; False when a new one has taken its name."""
        self._busy.discard(claim.name)
        return _move(claim.place, claim.name, self._root, claim.name)

    def settle(self, claim: Claim, *, accepted: bool) -> None:
        """Move an answered file to the archive, or to the failures with the word for why."""
        if accepted and not claim.damage:
            self._put(claim, self._done)
        else:
            name = self._put(claim, self._failed)
            word = claim.damage or "refused"
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            reason = os.open(f"{name}.reason", flags, 0o640, dir_fd=self._failed)
            os.write(reason, word.encode() + b"\n")
            os.close(reason)
        if claim.place == self._mine:
            self._busy.discard(claim.name)

    def _read(self, claim: Claim) -> Claim | None:
        """The claim with its content; what cannot be read goes to the failures."""
        limit = self._config.max_size
        body = None
        try:
            with open(os.open(claim.name, _FILE, dir_fd=claim.place), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    body = file.read(limit + 1)
        except OSError:
            pass
        if body is None:
            log.warning("file_unreadable", connector="file")
            self.settle(Claim(claim.name, claim.place, damage=UNREADABLE), accepted=False)
            return None
        if len(body) > limit:
            return Claim(claim.name, claim.place, body[: min(KEEP, limit)], TOO_LARGE)
        return Claim(claim.name, claim.place, body)

    def _wanted(self, name: str) -> bool:
        return (
            not name.startswith(".")
            and not name.lower().endswith(_UNFINISHED)
            and fnmatch.fnmatchcase(name, self._config.pattern)
        )

    def _put(self, claim: Claim, place: int) -> str:
        name = claim.name
        while not _move(claim.place, claim.name, place, name):
            name = f"{claim.name[:150]}.{time.time_ns():x}"
        return name

    def _beside(self, root: Path, name: str) -> int:
        path = root / name
        path.mkdir(0o750, exist_ok=True)
        place = self._keep(os.open(path, _FOLDER | os.O_NOFOLLOW))
        if os.fstat(place).st_dev != os.fstat(self._root).st_dev:
            raise ConfigError(f"{path} lies on another file system than {root}: choose one inside")
        return place

    def _own(self) -> int:
        """A claim folder of our own, locked before anyone could take it for a dead one's."""
        while True:
            token = f"{time.time_ns():016x}-{secrets.token_hex(4)}"
            os.mkdir(token, 0o700, dir_fd=self._claims)
            try:
                place = os.open(token, _FOLDER | os.O_NOFOLLOW, dir_fd=self._claims)
            except FileNotFoundError:
                continue
            if _lock(place) and _there(token, self._claims):
                return self._keep(place)
            os.close(place)

    def _keep(self, place: int) -> int:
        self._open.append(place)
        return place

    def _remove_if_empty(self, place: int) -> None:
        for token in os.listdir(self._claims):
            try:
                if os.path.samestat(os.stat(token, dir_fd=self._claims), os.fstat(place)):
                    os.rmdir(token, dir_fd=self._claims)
            except OSError:
                continue


def _mark(found: os.stat_result) -> tuple[int, int, int]:
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def _lock(place: int) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _there(name: str, place: int) -> bool:
    try:
        os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _move(source: int, name: str, target: int, new: str) -> bool:
    """Move within one file system without replacing anything; False when the name is taken."""
    try:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Some file systems have no links, and Linux denies links to files of other owners.
        if _there(new, target):
            return False
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
        return True
    os.unlink(name, dir_fd=source)
    return True
