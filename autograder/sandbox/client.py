"""Starts the zygote and asks it for forks. Safe to use from several threads of one program."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.errors import EnvironmentRefused
from autograder.sandbox import calls
from autograder.sandbox.calls import Resident
from autograder.sandbox.door import NO_AUTHORITIES, Door
from autograder.sandbox.errors import ForkDied, SandboxError
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.remote import Jail

PRELOAD = (
    "shared", "numpy", "torch", "transformers", "peft", "tinker", "matplotlib.pyplot",
    "hypothesis", "pytest",
)  # fmt: skip
_START_SECONDS = 180
"""How long the server may be silent while it starts: it says what it imports before it does."""
_END_SECONDS = 10
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "LABKIT_ROOT")
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from autograder.sandbox.zygote import main; main(int(sys.argv[2]), sys.argv[3])"
)


class Zygote:
    """The warm process: a context manager. In a trusted fork, the same zygote seen from inside.

    Attributes:
        level: "A", "B" or "trusted".
    """

    def __init__(
        self,
        control: socket.socket,
        level: str,
        process: subprocess.Popen[bytes] | None = None,
        home: str | None = None,
    ) -> None:
        self.level = level
        self._control = control
        self._process = process
        self._home = home

    @classmethod
    def start(
        cls, *, level: Level | None = None, trust: bool = False, preload: Sequence[str] = PRELOAD
    ) -> Self:
        """Start a zygote that has imported `preload`.

        Args:
            level: insist on this level; the best there is when None.
            trust: run student code without a jail. `level` of the zygote then reads "trusted".
            preload: modules to import before the first fork. All are visible to student code.

        Raises:
            EnvironmentRefused: no sandbox here; the message names what is missing.
        """
        if sys.platform != "linux":
            raise EnvironmentRefused("The sandbox needs Linux. Students' own checks do not.")
        home = tempfile.mkdtemp(prefix="labkit-zygote-")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        options = {"level": level, "trust": trust, "preload": list(preload), "home": home}
        try:
            process = _launch(theirs, options, home)
        except BaseException:
            ours.close()
            shutil.rmtree(home, ignore_errors=True)
            raise
        finally:
            theirs.close()
        zygote = cls(ours, "", process, home)
        try:
            zygote.level = zygote._greeting()
        except BaseException:
            zygote.close()
            raise
        return zygote

    def spawn(self, limits: Limits | None = None, door: Door | None = None) -> Jail:
        """A fresh jailed fork, with a `door` if one is wanted.

        Raises:
            EnvironmentRefused: the jail could not be built. No student code ran.
            SandboxError: the zygote is gone.
        """
        limits = limits or Limits()
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        try:
            asked = {"door": door.to_dict()} if door else {}
            request = {"do": "jail", "limits": limits.to_dict(), **asked}
            data, report = self._request(request, writer)
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        return Jail(data, report, reader, limits, self.level)

    def fork_call(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Run `function` ("module:name") on `payload` and a zygote in a trusted fork.

        The fork holds nothing of the caller but the payload, reads no input, and prints to the
        standard error. It ends with its caller, and what it spawned ends with it.

        Raises:
            ForkDied: it raised (the message has its traceback), crashed or was killed.
        """
        data, report = self._request({"do": "call"})
        try:
            calls.tell(data, {"function": function, "payload": payload})
            return self._result(function, data, report)
        finally:
            data.close()
            report.close()

    def reside(self, prepare: str, function: str, payload: dict[str, Any]) -> Resident:
        """A trusted fork that runs `prepare` on `payload` and then answers calls of `function`.

        `prepare` gets the payload and a zygote; `function` what it is called with, a zygote and
        what `prepare` returned. It ends with its caller.

        Raises:
            ForkDied: `prepare` raised (the message has its traceback), crashed or was killed.
        """
        requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            data, report = self._request({"do": "call"}, theirs.fileno())
        except BaseException:
            requests.close()
            raise
        finally:
            theirs.close()
        wanted = {"prepare": prepare, "function": function, "payload": payload}
        calls.tell(data, {"function": "autograder.sandbox.resident:serve", "payload": wanted})
        if requests.recv(16) != b"ready":
            try:
                self._result(prepare, data, report)
            finally:
                for connection in (requests, data, report):
                    connection.close()
        return Resident(function, requests, data, report)

    @staticmethod
    def _result(function: str, data: socket.socket, report: socket.socket) -> dict[str, Any]:
        answer = calls.answer_of(data)
        if answer is None:
            raise ForkDied(f"{function} ended without an answer: {_how_it_ended(report)}")
        return calls.result_of(function, answer)

    def close(self) -> None:
        """End the zygote and every fork of it. Closing twice is fine."""
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _greeting(self) -> str:
        """The level that it says it works at, once it has imported everything."""
        said: dict[str, str] = {}
        self._control.settimeout(_START_SECONDS)
        while "level" not in said:
            doing = f"importing {said['importing']}" if said else "starting Python"
            try:
                said = json.loads(self._control.recv(1 << 16) or b"{}")
            except TimeoutError:
                raise EnvironmentRefused(
                    f"The sandbox server is still {doing} after {_START_SECONDS} s. This machine "
                    "is too busy, or its disk too slow; try again when less runs on it."
                ) from None
            except ConnectionError:
                said = {}
            if not said:
                raise EnvironmentRefused(
                    f"The sandbox server ended while {doing}, with {self._how_it_went()}. What it "
                    "printed stands above; if that is nothing, see `labkit doctor`."
                )
            if "refused" in said:
                raise EnvironmentRefused(said["refused"])
        self._control.settimeout(None)
        return said["level"]

    def _how_it_went(self) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "its connection only"
        hint = " (often for lack of memory)" if code == -signal.SIGKILL else ""
        return f"signal {-code}{hint}" if code < 0 else f"exit code {code}"

    def _request(
        self, request: dict[str, Any], *descriptors: int
    ) -> tuple[socket.socket, socket.socket]:
        """Send a request with one end of two new socket pairs; the other ends are returned."""
        data, data_there = socket.socketpair()
        report, report_there = socket.socketpair()
        given = [data_there.fileno(), *descriptors, report_there.fileno()]
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], given)
        except OSError as error:
            data.close()
            report.close()
            raise SandboxError(f"the sandbox server has ended ({error})") from error
        finally:
            data_there.close()
            report_there.close()
        return data, report


def _launch(control: socket.socket, options: dict[str, Any], home: str) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    descriptor = control.fileno()
    command = [sys.executable, "-P", "-c", _BOOT, root, str(descriptor), json.dumps(options)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,  # what forks print is a log
        pass_fds=[descriptor],
        env=_environment(home),
        cwd=home,
        start_new_session=True,
    )


def _environment(home: str) -> dict[str, str]:
    """A small environment of its own: nothing of the caller's but where programs are found."""
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed,
        **one,
        **NO_AUTHORITIES,
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _how_it_ended(report: socket.socket) -> str:
    """The zygote's account of a fork that gave no answer."""
    report.settimeout(5)
    news = b""
    with contextlib.suppress(OSError):
        while chunk := report.recv(4096):
            news += chunk
    for line in news.splitlines():
        message: dict[str, Any] = json.loads(line)
        if "status" in message:
            code = os.waitstatus_to_exitcode(message["status"])
            return f"signal {-code}" if code < 0 else f"exit code {code}"
    return "the sandbox server is gone too"
