"""Which sandbox this machine offers, found by building each part of it in a throw-away process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from autograder.sandbox import door, kernel, landlock, namespaces, seccomp
from autograder.sandbox.visible import View, view

_REMEDIES = {
    "platform": "Grade on Linux (x86-64 or aarch64), or on a Linux virtual machine or container.",
    "seccomp": "The kernel must be built with CONFIG_SECCOMP_FILTER; gVisor and old containers "
    "lack it.",
    "landlock": "Use Linux 5.13 or later and boot with landlock in the list `lsm=`; in a "
    "container, let its seccomp profile pass the landlock calls (Docker 23 does).",
    "namespaces": "For level A allow user namespaces: `sysctl user.max_user_namespaces=15000`, on "
    "Ubuntu also `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in a container, run it "
    "with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`.",
}


@dataclass(frozen=True)
class Probe:
    """What was found. `primitives` maps each part to "ok..." or "missing: why"."""

    level: Literal["A", "B"] | None
    primitives: dict[str, str]
    remedy: str
    """What would reach a better level; empty at level A."""
    door: str = "missing: there is no sandbox"
    """Whether a lab that needs the Tinker service can be graded: "ok..." or "missing: why"."""

    @property
    def missing(self) -> list[str]:
        """The parts that do not work here."""
        return [name for name, found in self.primitives.items() if not found.startswith("ok")]

    @property
    def reasons(self) -> str:
        """What is missing and why, one part behind the other."""
        return "; ".join(f"{name} is {self.primitives[name]}" for name in self.missing)


def probe() -> Probe:
    """Look at this machine. Takes a process of its own, so threads of the caller do not matter."""
    root = str(Path(__file__).resolve().parents[2])
    code = "import sys; sys.path.append(sys.argv[1]); from autograder.sandbox import probe as p; "
    command = [sys.executable, "-P", "-c", code + "p.main()", root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    try:
        return Probe(**json.loads(done.stdout))
    except (ValueError, TypeError):
        lines = done.stderr.strip().splitlines() or ["no output"]
        return _conclude({"platform": f"missing: the probe failed: {lines[-1]}"})


def main() -> None:
    """Print what `probe_here` finds, as JSON."""
    print(json.dumps(asdict(probe_here())))


def probe_here() -> Probe:
    """Look at this machine from a single-threaded process, by forking it."""
    column = kernel.machine()
    if column is None:
        return _conclude({"platform": "missing: neither Linux on x86-64 nor on aarch64"})
    try:
        sight = view()
    except OSError as error:
        return _conclude({"platform": f"missing: {error}"})
    found = _conclude(
        {
            "seccomp": _try(lambda: _seccomp(column)),
            "landlock": _try(lambda: _landlock(sight)),
            "namespaces": _try(lambda: _namespaces(sight)),
        }
    )
    if found.level is None:
        return found
    level = found.level
    return replace(found, door=_try(lambda: _door(level, sight)))


def _conclude(primitives: dict[str, str]) -> Probe:
    missing = {name for name, found in primitives.items() if not found.startswith("ok")}
    level = "A" if not missing else "B" if missing == {"namespaces"} else None
    return Probe(level, primitives, " ".join(_REMEDIES[n] for n in primitives if n in missing))


def _try(step: Callable[[], str]) -> str:
    """What `step` says in a fork of this process, or why it failed there."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            text = step()
        except BaseException as error:  # whatever it is, it belongs into the answer
            text = f"missing: {getattr(error, 'strerror', None) or error}"
        os.write(writer, text.encode()[:1000])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read().decode(errors="replace")
    os.waitpid(pid, 0)
    return answer or "missing: the process that tried it was killed"


def _seccomp(column: int) -> str:
    seccomp.install(seccomp.program(column, os.getpid(), namespaces=False))
    try:
        os.fork()
    except PermissionError:
        return "ok"
    os._exit(0)


def _landlock(sight: View) -> str:
    version = landlock.abi()
    landlock.restrict(sight.readable, [])
    try:
        os.listdir(sight.hidden)
    except PermissionError:
        return f"ok (version {version})"
    return "missing: it does not hide the project's folder"


def _namespaces(sight: View) -> str:
    namespaces.enter(sight)
    if os.path.exists("/proc"):
        return "missing: the host's files are still there"
    return "ok"


def _door(level: str, sight: View) -> str:
    if level == "B":
        reason = door.refusal(level)
        return f"missing: {reason}" if reason else f"ok ({door.WEAKER})"
    namespaces.enter(sight)
    with door.listen_inside(door.INNER_PORT) as listener:
        socket.create_connection(listener.getsockname(), 1).close()
    return "ok (a network of its own)"
