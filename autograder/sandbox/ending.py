"""Why a jailed process ends: the time it took, or the status that the kernel kept of it."""

from __future__ import annotations

import os
import signal

from autograder.sandbox.errors import Reason
from autograder.sandbox.limits import Limits

MEMORY_EXIT = 77
"""The exit code of a jail whose code was refused memory."""


_MOST_WALL = 20
"""Whatever it queued for: after so many times its wall limit no process is waited for."""


def overrun(limits: Limits, cpu: float, passed: float, waited: float) -> str | None:
    """Which time is used up, if one is.

    `cpu` is the process's own, `passed` the time that it kept its caller waiting, `waited` the same
    less what it had to queue for a processor; all in seconds.
    """
    if cpu >= limits.cpu_seconds:
        return f"over {limits.cpu_seconds:g} s of CPU time"
    if waited >= limits.wall_seconds:
        return f"no answer within {limits.wall_seconds:g} s"
    if passed >= _MOST_WALL * limits.wall_seconds:
        return f"no answer within {passed:.0f} s, busy machine or not"
    return None


def ending(status: int, limits: Limits, cpu_seconds: float) -> tuple[Reason, str]:
    """The reason and its sentence; `status` is waitpid's, `cpu_seconds` what the process used."""
    code, spent = os.waitstatus_to_exitcode(status), cpu_seconds >= limits.cpu_seconds
    if code == MEMORY_EXIT:
        return "memory", f"it needs over {limits.memory_mb} MB"
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and spent):
        return "timeout", f"over {limits.cpu_seconds:g} s of CPU time"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return "killed", f"the process ended with {how}"
