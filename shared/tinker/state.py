"""Where an embedded service keeps its runs and checkpoints, and that only one uses a folder.

A notebook started again in the same folder finds its checkpoints: the state folder is chosen by the
working folder. What a check, a grader or a test starts is temporary. The lock is the operating
system's, so a killed program leaves none behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from shared.tinker.errors import UnreachableError
from shared.tinker.reach import opener

_OURS = "in-use.lock"
_SERVICE = "service.lock"


def user_state(name: str = "serve") -> Path:
    """The folder `name` below the user's state folder (`$XDG_STATE_HOME/labkit` on Linux)."""
    from platformdirs import user_state_dir

    return Path(user_state_dir("labkit", appauthor=False)) / name


def state_of(folder: Path) -> Path:
    """The state folder that belongs to the working folder `folder`."""
    resolved = folder.resolve()
    digest = hashlib.sha256(str(resolved).encode()).hexdigest()[:12]
    return user_state("notebooks") / f"{resolved.name or 'root'}-{digest}"


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a service says of itself in STATE/service.json."""

    url: str
    key: str
    pid: int

    def __repr__(self) -> str:
        return f"Running({self.url}, pid {self.pid})"


def read_running(state: Path) -> Running | None:
    """What stands in STATE/service.json; None if nothing readable does."""
    try:
        said: dict[str, Any] = json.loads((state / "service.json").read_text("utf-8"))
        return Running(url=str(said["url"]), key=str(said["key"]), pid=int(said["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def in_use(state: Path) -> bool:
    """Whether a service process runs on this folder, however it was started."""
    try:
        with (state / _SERVICE).open("ab") as file:
            return not _lock(file)
    except OSError:
        return False


def kit_status(running: Running, seconds: float = 5.0) -> dict[str, Any]:
    """GET /kit/v1/status of a service, with its owner's key.

    Raises:
        UnreachableError: nothing answers, or something else than that service.
    """
    request = urllib.request.Request(f"{running.url}/kit/v1/status")
    request.add_header("X-API-Key", running.key)
    try:
        with opener(running.url).open(request, timeout=seconds) as response:
            said: dict[str, Any] = json.load(response)
            return said
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"The service at {running.url} (pid {running.pid}) does not answer: {error}."
        ) from error


class StateLock:
    """Holds a state folder until `release`, or until this process ends however it ends.

    The service locks its folder too; this lock is held by who starts it, from before the start.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def take(cls, state: Path, wait_seconds: float = 0.0) -> StateLock | None:
        """Take the folder, making it (mode 0700) when new; None when another process has it."""
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (state / _OURS).open("ab")
        deadline = time.monotonic() + wait_seconds
        while not _lock(file) or in_use(state):
            if time.monotonic() >= deadline:
                file.close()
                return None
            time.sleep(0.1)
        return cls(file)

    def release(self) -> None:
        """Let go of the folder. Twice is fine."""
        with contextlib.suppress(OSError):
            self._file.close()


def _lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def tail(path: Path, lines: int, *, limit: int = 1 << 20) -> list[str]:
    """The last lines of a log, of at most its last `limit` bytes; empty if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []
