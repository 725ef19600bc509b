"""What another process had of the processor, read from outside: its CPU time, and its queueing.

Linux counts both for each thread. Where it does not tell the queueing, none is known of.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path


class Clock:
    """Two clocks of one process, in seconds since `start`. They stand still when it is gone."""

    def __init__(self) -> None:
        self.cpu = 0.0
        """CPU time, as last read."""
        self.queued = 0.0
        """Time it was ready to run while others had the processor, as last read."""
        self._pid: int | None = None
        self._started = (0.0, 0.0)

    def start(self, pid: int) -> None:
        """Count from now on."""
        self._pid = pid
        with contextlib.suppress(OSError):
            self._started = (cpu_seconds(pid), queued_seconds(pid))

    def read_cpu(self) -> float:
        """The CPU time now."""
        if self._pid is not None:
            with contextlib.suppress(OSError):  # it is gone; `stop` will tell how much it used
                self.cpu = max(self.cpu, cpu_seconds(self._pid) - self._started[0])
        return self.cpu

    def read_queued(self) -> float:
        """The time in the queue now."""
        if self._pid is not None:
            self.queued = max(self.queued, queued_seconds(self._pid) - self._started[1])
        return self.queued

    def stop(self, cpu: float | None = None) -> None:
        """The process is gone; `cpu` is what it used from its beginning, if that is known."""
        self._pid = None
        if cpu is not None:
            self.cpu = max(0.0, cpu - self._started[0])


def cpu_seconds(pid: int) -> float:
    """CPU time of a process since its beginning.

    Raises:
        OSError: it is gone.
    """
    # The clock of another process: see clock_getcpuclockid(3), which Python does not offer.
    return time.clock_gettime(~pid << 3 | 2)


def queued_seconds(pid: int) -> float:
    """How long a process was ready to run while others had the processor.

    That of its thread which waited longest: several may wait at the same time.
    """
    longest = 0
    for told in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, IndexError, ValueError):  # the thread ended meanwhile
            longest = max(longest, int(told.read_text(encoding="ascii").split()[1]))
    return longest / 1e9
