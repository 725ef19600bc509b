"""A limit on the CPU time of code in this process, where the system has one (not on Windows).

Only a convenience for `check` and the audit: code that is stuck inside one native call is not
interrupted. Grading relies on the jail's limits.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

AGAIN = 0.2
"""Seconds between interruptions, for code that catches the first one."""


class OutOfTime(BaseException):
    """Raised inside the code that used up its time."""


class CpuBudget:
    """A context manager to enter around each piece of work; `seconds` 0 means no limit."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._armed = (
            seconds > 0
            and hasattr(signal, "setitimer")
            and threading.current_thread() is threading.main_thread()
        )
        self.spent = False

    def __enter__(self) -> CpuBudget:
        if self._armed:
            self._started = time.process_time()
            self._before = signal.signal(signal.SIGPROF, self._interrupt)
            signal.setitimer(signal.ITIMER_PROF, max(self._left, 0.001), AGAIN)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if self._armed:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, self._before)
            self._left -= time.process_time() - self._started
        return kind is OutOfTime

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.spent = True
        raise OutOfTime
