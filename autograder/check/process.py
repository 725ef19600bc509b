"""Starting `autograder.check.child`, reading its events with a time limit, and ending it.

Plain subprocess and threads, no fork: the same on Linux, macOS and Windows.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import autograder

FORBIDDEN = ("TINKER_", "PYTHONSTARTUP", "PYTHONINSPECT")
"""How names begin that are not handed on: a check uses the embedded service and is never billed."""


class Child:
    """One running child; leaving the context ends it and everything it started."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()

    def __enter__(self) -> Child:
        self._folder = tempfile.TemporaryDirectory(
            prefix="labkit-check-", ignore_cleanup_errors=True
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograder.check.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=_environment(),
            start_new_session=True,  # POSIX: Ctrl-C is ours, and the whole group can be ended
        )
        threading.Thread(target=self._write, daemon=True).start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._folder.cleanup()

    def next(self, seconds: float) -> dict[str, Any]:
        """The child's next event; made up here when none comes in time or the child is gone."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return {"event": "timeout", "seconds": seconds}

    def _write(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._process.stdin as stream:
            stream.write(json.dumps(self._job).encode())

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                event: object = json.loads(line)
                if isinstance(event, dict) and "event" in event:
                    self._events.put(cast(dict[str, Any], event))
        code = self._process.wait()
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._events.put({"event": "died", "reason": reason})

    def _end(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()


def _environment() -> dict[str, str]:
    """Our environment, without keys, with what makes runs repeatable."""
    environment = {n: value for n, value in os.environ.items() if not n.startswith(FORBIDDEN)}
    package = str(Path(autograder.__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [package, environment.get("PYTHONPATH", "")]))
    return environment | {
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "HF_HUB_OFFLINE": "1",
    }
