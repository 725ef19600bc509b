"""The embedded service as a child process of this one: started, watched, ended with it.

The service (`python -m shared.tinker.service`) listens on a free loopback port and reads nothing of
the caller's session: no key, no Ctrl-C. Its standard input is a pipe of ours, and when that closes,
because we stopped it or were killed, it ends. Which server to use is decided in `client`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from shared.tinker.errors import UnreachableError, UserError
from shared.tinker.notice import Notice
from shared.tinker.reach import Address
from shared.tinker.state import Running, StateLock, kit_status, read_running, tail

START_SECONDS = 60.0
"""How long a process that lives may take until it listens (a first import from a slow disk)."""

COMMAND = (sys.executable, "-P", "-m", "shared.tinker.service")
"""What is run, less its options. `-P`: nothing of the working folder is imported."""

_STOP_SECONDS = 7.0  # the service gives a running step 5 s to end
_PATIENCE_SECONDS = 30.0  # its HTTP side answers beside a running step, if slowly
_SECRETS = ("TINKER_API_KEY", "TINKER_CREDENTIAL_CMD", "TINKER_BASE_URL")
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
}
ERRORS_LOG = "stderr.log"


class EmbeddedService:
    """A running service. A context manager; it is stopped at exit in any case.

    Attributes:
        url: where it listens, `http://127.0.0.1:PORT`.
        key: the owner's API key (`tml-...`).
        pid: its process.
        state: the folder with its runs and checkpoints.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], state: Path, lock: StateLock, *, temporary: bool
    ) -> None:
        self.state = state
        self.url = ""
        self.key = ""
        self.pid = process.pid
        self._process = process
        self._lock = lock
        self._temporary = temporary
        self._owner = os.getpid()
        self._stopping = False
        self._notice: Notice | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._follow, daemon=True, name="labkit-service")
        self._reader.start()
        atexit.register(self.stop)

    def __repr__(self) -> str:
        return f"EmbeddedService({self.url}, pid {self.pid}, state {self.state})"

    @classmethod
    def start(
        cls,
        state: Path | None = None,
        models: Sequence[str] = (),
        device: str = "auto",
        *,
        stand_ins: bool = False,
        options: Sequence[str] = (),
        wait_seconds: float = 0.0,
    ) -> Self:
        """Start a service and return when it listens; its model may still be loading.

        Args:
            state: where runs and checkpoints are kept. None: a temporary folder, removed at the
                end (a process killed with SIGKILL leaves it behind).
            models: further models to serve, as `catalogue` takes them.
            device: "auto", "cpu" or "cuda".
            stand_ins: also serve the base model under the names that recipes hard-code.
            options: further options of the service's command line.
            wait_seconds: how long another program may take to let go of `state`.

        Raises:
            UserError: another program uses `state`.
            UnreachableError: the process ended, or did not listen within `START_SECONDS`; the
                message has its last words.
        """
        folder = state or Path(tempfile.mkdtemp(prefix="labkit-service-"))
        lock = _taken(folder, wait_seconds)
        command = [*COMMAND, "--with-parent", "--state", str(folder), "--device", device]
        command += [word for model in models for word in ("--model", model)]
        command += [*([] if stand_ins else ["--no-stand-ins"]), *options]
        service = cls(_launch(command, folder), folder, lock, temporary=state is None)
        try:
            service._listening()
        except BaseException:
            service.stop()
            raise
        return service

    @property
    def address(self) -> Address:
        """Where it is, for `reach` and `client`."""
        return Address(base_url=self.url, api_key=self.key, kind="embedded")

    @property
    def alive(self) -> bool:
        """Whether the process runs and is this process's own (a fork of ours does not own it)."""
        return self._owner == os.getpid() and self._process.poll() is None

    def responds(self) -> bool:
        """Whether it is alive and answers; a busy one is given a while."""
        if not self.alive:
            return False
        try:
            kit_status(Running(url=self.url, key=self.key, pid=self.pid), seconds=_PATIENCE_SECONDS)
        except UnreachableError:
            return False
        return True

    def ended(self) -> str | None:
        """Why the process ended, in words; None while it runs, and in a fork, which cannot tell."""
        if self._owner != os.getpid():
            return None
        code = self._process.poll()
        return None if code is None else how_it_ended(code)

    def status(self) -> dict[str, Any]:
        """What the service says of itself: ready, models, sessions, queue, uptime, memory_mb.

        Raises:
            UnreachableError: it has ended.
        """
        return kit_status(Running(url=self.url, key=self.key, pid=self.pid))

    def wait_ready(self, seconds: float = 120.0) -> Self:
        """Return when the base model is loaded. Needed by benchmarks only: requests wait anyway.

        Raises:
            UnreachableError: it ended, or is not ready after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not (said := self.status()).get("ready"):
            if said.get("trouble"):
                raise UnreachableError(f"The service cannot load its model: {said['trouble']}")
            if time.monotonic() > deadline:
                raise UnreachableError(f"{self!r} was not ready after {seconds:g} s.")
            time.sleep(0.05)
        return self

    def wait(self) -> int:
        """Return the process's exit code when it has ended."""
        return self._process.wait()

    def stop(self) -> None:
        """End the process and remove a temporary state folder. Twice is fine."""
        if self._owner != os.getpid():
            return
        self._stopping = True
        atexit.unregister(self.stop)
        _end(self._process)
        if self._reader.is_alive() and threading.current_thread() is not self._reader:
            self._reader.join(_STOP_SECONDS)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()
        if self._notice is not None:
            self._notice.close()
            self._notice = None
        self._lock.release()
        if self._temporary:
            shutil.rmtree(self.state, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _follow(self) -> None:
        """Reads its standard output; when that ends, the process has, and the notice goes up."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")
        code = self._process.wait()
        if self.url and not self._stopping:
            text = f"The embedded Tinker service (pid {self.pid}) has ended: {how_it_ended(code)}."
            with contextlib.suppress(OSError):
                self._notice = Notice(self.url, f"{text} {self.address.advice}")

    def _listening(self) -> None:
        """Wait for the line that says where it listens.

        Raises:
            UnreachableError: there is none.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.0))
            except queue.Empty:
                raise UnreachableError(self._last_words("did not listen in time")) from None
            if not line:
                raise UnreachableError(self._last_words(how_it_ended(self._process.wait())))
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self.url = str(json.loads(line)["url"])
                break
        running = read_running(self.state)
        if running is None:
            raise UnreachableError(self._last_words("wrote no service.json"))
        self.key = running.key

    def _last_words(self, what: str) -> str:
        words = "\n".join(f"    {line}" for line in tail(self.state / ERRORS_LOG, 12))
        return f"The embedded Tinker service did not start: {what}.\n{words}".rstrip()


def _taken(folder: Path, wait_seconds: float) -> StateLock:
    lock = StateLock.take(folder, wait_seconds)
    if lock is None:
        there = read_running(folder)
        raise UserError(
            f"{folder} is in use by another program"
            + (f" (a service at {there.url}, pid {there.pid})" if there else "")
            + ". Stop that one, or name another folder."
        )
    return lock


def _launch(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    # What runs is this `shared`, wherever it was imported from.
    root = str(Path(__file__).resolve().parents[2])
    given = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    kept = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    windows = sys.platform == "win32"
    with (folder / ERRORS_LOG).open("ab") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_QUIET | kept | {"PYTHONPATH": os.pathsep.join([*given, root])},
            # Ctrl-C is for the caller's cell or script, not for the service.
            start_new_session=not windows,
            creationflags=0x200 if windows else 0,  # CREATE_NEW_PROCESS_GROUP
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # a long step; what was saved is whole
        process.wait()


def how_it_ended(code: int) -> str:
    """An exit code of `Popen` in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
