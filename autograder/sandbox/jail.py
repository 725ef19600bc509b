"""Turns the calling process into a jailed one, step by step, with no way back.

Levels: A is namespaces, landlock and seccomp; B is landlock and seccomp, with no writable folder;
"trusted" is none of these: resource limits and an empty environment only.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import socket

from autograder.sandbox import kernel, landlock, namespaces, seccomp
from autograder.sandbox.door import Door, listen_inside
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.visible import DEVICES, View

_CPU_GRACE = 2  # the caller watches the exact budget; the kernel's second line comes later
_SCRATCH_BYTES = 64 << 20


def enter(
    level: Level, view: View, limits: Limits, parent: int, door: Door | None = None
) -> socket.socket | None:
    """Jail this process, a fork of `parent`. Its caller has closed what it must not inherit.

    Returns the listener of a door in the jail's own network, to be given away before anything runs.

    Raises:
        OSError: a step failed. The process must end: it is no jail.
    """
    memory = _mapped_bytes() + (limits.memory_mb << 20)
    listener: socket.socket | None = None
    os.environ.clear()
    os.environ.update(door.environment if door else {})
    os.umask(0o077)
    if level == "A":
        namespaces.enter(view)
        listener = listen_inside(door.port) if door else None
    elif level == "B":
        os.chdir("/")
    _limit_resources(level, limits, memory, 1024 if door else 256)
    if level != "trusted":
        scratch = [namespaces.SCRATCH] if level == "A" else []
        devices = [device for device in DEVICES if os.path.exists(device)]
        readable = [path for path in view.readable if os.path.exists(path)]
        own = ["/etc"] if level == "A" else []  # at level A a folder of the jail's own
        port = door.port if door else None
        landlock.restrict([*readable, *own], [*scratch, *devices], port)
        kernel.drop_capabilities()
    die_with_parent(parent)
    if level != "trusted":
        column = kernel.machine()
        assert column is not None
        code = seccomp.program(column, os.getpid(), namespaces=level == "A", door=door is not None)
        seccomp.install(code)
    return listener


def die_with_parent(parent: int) -> None:
    """End with the process `parent`, also when it ended a moment ago."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit_resources(level: Level, limits: Limits, memory: int, files: int) -> None:
    cpu = math.ceil(limits.cpu_seconds) + _CPU_GRACE
    scratch = 0 if level == "B" else _SCRATCH_BYTES
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_FSIZE, scratch, scratch),
        (resource.RLIMIT_NOFILE, files, files),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ):
        _, ceiling = resource.getrlimit(kind)
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


def _mapped_bytes() -> int:
    """Address space this process has mapped now."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
