"""Who is converting which submission right now.

One lock file a course, one byte of it a submission. A record lock belongs to the process and ends
with it, however it ends, so a submission without its byte locked is not being converted: when it
is half written, it can be cleared away. Byte 0 is held for a whole `labkit grade`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from pathlib import Path

LOCK_FILE = ".labkit.lock"
WHOLE_RUN = 0

_files: dict[Path, int] = {}
_held: set[tuple[Path, int]] = set()
_guard = threading.RLock()


def _file(course: Path) -> int:
    # Opened once and never closed: closing any descriptor of the file would drop all its locks.
    path = course.resolve() / LOCK_FILE
    if path not in _files or not _is_still(path, _files[path]):
        _files[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    return _files[path]


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def byte_of(student: str, lab: str) -> int:
    """The byte of the lock file that stands for this submission."""
    digest = hashlib.sha256(f"{student}\0{lab}".encode()).digest()
    return 1 + int.from_bytes(digest[:7], "big") // 2


def acquire(course: Path, byte: int, *, wait: bool = False) -> bool:
    """Lock `byte`; False when another process has it and we should not wait."""
    with _guard:
        flags = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.lockf(_file(course), flags, 1, byte, os.SEEK_SET)
        except OSError:
            return False
        _held.add((course.resolve(), byte))
        return True


def release(course: Path, byte: int) -> None:
    """Give `byte` back."""
    with _guard:
        fcntl.lockf(_file(course), fcntl.LOCK_UN, 1, byte, os.SEEK_SET)
        _held.discard((course.resolve(), byte))


def release_submissions(course: Path) -> None:
    """Give back every submission this process holds; `WHOLE_RUN` stays."""
    with _guard:
        for root, byte in list(_held):
            if root == course.resolve() and byte != WHOLE_RUN:
                release(course, byte)


def held_here(course: Path, byte: int) -> bool:
    """Whether this process holds `byte`."""
    return (course.resolve(), byte) in _held
