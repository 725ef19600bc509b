"""What stands around the judge and must stay as it is: a planted course, listeners, processes.

Nothing in it is special to the judge: its files lie where this user may read and write them, and
its listeners take every connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

import shared
from autograder.sandbox.client import Zygote

ROOT = Path(__file__).resolve().parents[2]


class World:
    """A folder with a course in it, and whatever else an attack might reach for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.solutions = root / "solutions"
        self.release = root / "release"
        self.mark = f"hostile-{uuid.uuid4().hex}"
        """A name that no file, process or message has but those of an attack that worked."""
        self.secret = f"secret-{uuid.uuid4().hex}"
        self._plant()
        self._listeners = self._listen()
        self._heard: set[str] = set()
        self._closed = threading.Event()
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        self._zygote = 0
        self._processes: set[int] = set()
        self._before: dict[str, str] = {}

    def names(self) -> dict[str, Any]:
        """What the attacks know: paths, ports and process ids, as a well-informed enemy would."""
        return {
            "COURSE": str(self.root),
            "OTHER": str(self.root / "submitted" / "ana" / "lab94_target.ipynb"),
            "GRADEBOOK": str(self.root / "gradebook.db"),
            "JUDGE": str(self.solutions / "lab94_target" / "judge.py"),
            "REPOSITORY": str(ROOT),
            "SITE": os.path.dirname(os.path.dirname(numpy.__file__)),
            "MARK": self.mark,
            "TCP": self._listeners["tcp"].getsockname()[1],
            "TCP6": self._listeners["tcp6"].getsockname()[1] if "tcp6" in self._listeners else 9,
            "UDP": self._listeners["udp"].getsockname()[1],
            "UNIX": str(self.root / "socket"),
            "LOG": str(self.root / "log"),
            "ABSTRACT": f"\0{self.mark}",
            "ZYGOTE": self._zygote,
            "TESTS": os.getpid(),
        }

    def prelude(self) -> str:
        """`names` as lines of code."""
        return "".join(f"{name} = {value!r}\n" for name, value in self.names().items())

    def seal(self, zygote: Zygote) -> None:
        """Remember how everything is now."""
        assert zygote._process is not None
        self._zygote = zygote._process.pid
        self._processes = set(self._forks())
        self._before = dict(self._marks())

    def changes(self) -> list[str]:
        """What differs from how it was: files, marks left anywhere, connections that arrived."""
        now = dict(self._marks())
        changed = [path for path in now | self._before if now.get(path) != self._before.get(path)]
        return [*changed, *self._traces(), *self._reached()]

    def strays(self) -> list[int]:
        """Forks of the zygote that should have ended, and do not within some seconds."""
        end = time.monotonic() + 10
        while left := set(self._forks()) - self._processes:
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        return sorted(left)

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        self._hearing.join()
        for listener in self._listeners.values():
            listener.close()

    def _plant(self) -> None:
        for folder in ("solutions", "release", "submitted/ana", "autograded/ana", "feedback"):
            (self.root / folder).mkdir(parents=True)
        with sqlite3.connect(self.root / "gradebook.db") as book:
            book.execute("create table grade (student text, score real)")
            book.execute("insert into grade values ('ana', 8), ('mallory', 0)")
        book.close()
        for name in ("ledger.jsonl", "course.json", "roster.csv"):
            (self.root / name).write_text(json.dumps({"seed": self.secret}) + "\n")
        for folder in ("submitted", "autograded"):
            (self.root / folder / "ana" / "lab94_target.ipynb").write_text(self.secret)

    def _listen(self) -> dict[str, socket.socket]:
        wanted = {
            "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "tcp6": (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(self.root / "socket")),
            "log": (socket.AF_UNIX, socket.SOCK_DGRAM, str(self.root / "log")),
            "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.mark}"),
        }
        listeners: dict[str, socket.socket] = {}
        for name, (family, kind, address) in wanted.items():
            listener = socket.socket(family, kind)
            try:
                listener.bind(address)
            except OSError:  # no IPv6 on this machine
                listener.close()
                continue
            if kind == socket.SOCK_STREAM:
                listener.listen()
            listener.setblocking(False)
            listeners[name] = listener
        return listeners

    def _hear(self) -> None:
        """Take datagrams as they come: a sender waits when nobody does."""
        by_name = {n: s for n, s in self._listeners.items() if s.type == socket.SOCK_DGRAM}
        while not self._closed.is_set():
            ready, _, _ = select.select(list(by_name.values()), [], [], 0.1)
            for name, listener in by_name.items():
                with contextlib.suppress(BlockingIOError):
                    if listener in ready:
                        listener.recv(100)
                        self._heard.add(name)

    def _reached(self) -> list[str]:
        """Names of the listeners to which something came."""
        reached, self._heard = self._heard, set()
        for name, listener in self._listeners.items():
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_DGRAM:
                    listener.recv(100)
                else:
                    listener.accept()[0].close()
                reached.add(name)
        return [f"{name} listener reached" for name in sorted(reached)]

    def _marks(self) -> Iterator[tuple[str, str]]:
        """Each file with what it is: content in the course, stat of what all jails share."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                yield str(path), f"{content} {_stat(path)}"
            else:
                yield str(path), _stat(path)
        package = Path(shared.__file__).parent
        for path in sorted(package.rglob("*.py")):
            yield str(path), _stat(path)
        for path in (Path(numpy.__file__), Path(os.__file__), ROOT / "pyproject.toml"):
            yield str(path), _stat(path)

    def _traces(self) -> Iterator[str]:
        """Files with the mark's name in the folders that everybody may write."""
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", str(Path.home())):
            path = Path(folder, self.mark)
            if path.exists():
                yield str(path)

    def _forks(self) -> Iterator[int]:
        """The zygote and its forks, wherever their parents are now: they share its command line."""
        mine = Path(f"/proc/{self._zygote}/cmdline").read_bytes()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cmdline").read_bytes() == mine:
                    yield int(folder.name)
            except OSError:  # it has just ended
                continue


def _stat(path: Path) -> str:
    seen = path.lstat()
    changed = 0 if path.is_dir() and path.name == "__pycache__" else seen.st_mtime_ns
    return f"{seen.st_mode:o} {seen.st_uid} {seen.st_gid} {seen.st_nlink} {seen.st_size} {changed}"
