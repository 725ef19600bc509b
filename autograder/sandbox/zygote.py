"""The warm process: imports the heavy packages once and forks a process for each request.

It never runs student code and never holds anything hidden. Each request brings its own sockets;
the zygote keeps one of them to report start and end, and takes its closing as the order to kill.
So whatever a trusted fork started ends with it, and everything ends with the program that started
the zygote.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from typing import Any, NoReturn

from autograder.sandbox import children, hugepages, probe
from autograder.sandbox.door import Door
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.visible import View, view
from shared.unneeded import without_unneeded

_MESSAGE = 4096
_POLL_MS = 1000


def main(descriptor: int, options: str) -> None:
    """Entry point of the zygote's process. `options` is JSON from `client.Zygote.start`."""
    settings: dict[str, Any] = json.loads(options)
    control = socket.socket(fileno=descriptor)
    try:
        level, refusal = _choose(settings["level"], settings["trust"])
        if refusal is None:
            refusal = _warm_up(settings["preload"], control)
        if refusal is not None or level is None:
            control.send(json.dumps({"refused": refusal}).encode())
            return
        control.send(json.dumps({"level": level}).encode())
        _Server(control, level, os.getppid()).serve()
    except OSError:  # the other side is gone
        return
    finally:
        shutil.rmtree(settings["home"], ignore_errors=True)


def _choose(wanted: Level | None, trust: bool) -> tuple[Level | None, str | None]:
    """The level to work at, or why there is none."""
    if trust and wanted in (None, "trusted"):
        return "trusted", None
    found = probe.probe_here()
    possible = {"A": found.level == "A", "B": found.level is not None}
    if wanted is None and found.level is not None:
        return found.level, None
    if wanted is not None and possible.get(wanted):
        return wanted, None
    missing = [n for n in found.missing if wanted == "A" or n != "namespaces"]
    reasons = "; ".join(f"{name} is {found.primitives[name]}" for name in missing)
    what = "jail student code" if wanted is None else f"jail student code at level {wanted}"
    return None, f"This machine cannot {what}: {reasons or 'no such level'}. {found.remedy}"


def _warm_up(preload: list[str], control: socket.socket) -> str | None:
    """Import everything once, on one thread, saying what; the reason when that fails."""
    for name in preload:
        control.send(json.dumps({"importing": name}).encode())
        try:
            with without_unneeded():
                importlib.import_module(name)
        except Exception as error:
            return f"The sandbox cannot import {name}: {error}. Install the locked requirements."
        if name == "torch":
            _warm_torch(sys.modules["torch"])
    tempfile.gettempdir()
    gc.collect()
    gc.freeze()
    hugepages.collapse()
    return None


def _warm_torch(torch: Any) -> None:
    """One thread before the first op (a second could not fork), then what a jail cannot do.

    Half-precision products read the processor's features from /proc, once a process.
    """
    torch.set_num_threads(1)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        square = torch.ones(8, 8, dtype=dtype)
        torch.matmul(square, square)


@dataclass
class _Child:
    pid: int
    report: socket.socket


class _Server:
    def __init__(self, control: socket.socket, level: Level, parent: int) -> None:
        self.main = control
        self.level: Level = level
        self.parent = parent
        self.view: View = view() if level != "trusted" else View((), (), "")
        self.controls = {control.fileno(): control}
        self.children: dict[int, _Child] = {}
        self.poll = select.poll()

    def serve(self) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _wake)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.poll.register(reader, select.POLLIN)
        self.poll.register(self.main, select.POLLIN)
        alive = True
        while alive and os.getppid() == self.parent:
            for descriptor, _ in self.poll.poll(_POLL_MS):
                if descriptor == reader:
                    _drain(reader)
                elif descriptor in self.controls:
                    alive = self._request(self.controls[descriptor]) and alive
                else:
                    self._hear(descriptor)
            self._reap()
        for child in self.children.values():
            _kill(child.pid)
        while self.children:
            self._reap(block=True)

    def _request(self, control: socket.socket) -> bool:
        """Take one request; False when the program that started us is gone."""
        try:
            message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 3)
        except ConnectionError:
            message, descriptors = b"", []
        if not message:
            self.poll.unregister(control)
            del self.controls[control.fileno()]
            control.close()
            return control is not self.main
        request: dict[str, Any] = json.loads(message)
        report = socket.socket(fileno=descriptors.pop())
        self._fork(request, descriptors, report)
        return True

    def _fork(self, request: dict[str, Any], descriptors: list[int], report: socket.socket) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(request, descriptors, theirs, zygote)
        theirs.close()
        for descriptor in descriptors:
            os.close(descriptor)
        if request["do"] == "call":
            self.controls[ours.fileno()] = ours
            self.poll.register(ours, select.POLLIN)
        else:
            ours.close()
        report.setblocking(False)
        self.children[report.fileno()] = _Child(pid, report)
        self.poll.register(report, select.POLLIN)
        _tell(report, {"pid": pid})

    def _become(
        self, request: dict[str, Any], descriptors: list[int], control: socket.socket, zygote: int
    ) -> NoReturn:
        """The child's side of a fork. Never returns, whatever happens."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            if request["do"] == "call":
                children.trusted(descriptors, control.detach(), self.level, zygote)
            limits = Limits(**request["limits"])
            door = Door(**request["door"]) if request.get("door") else None
            children.jailed(descriptors, self.level, self.view, limits, zygote, door)
        finally:
            os._exit(1)

    def _hear(self, descriptor: int) -> None:
        """A report socket speaks only to close: then its child must end."""
        child = self.children.get(descriptor)
        if child is None:
            return
        with contextlib.suppress(BlockingIOError):
            try:
                if child.report.recv(1):
                    return
            except ConnectionError:
                pass
            self.poll.unregister(descriptor)
            _kill(child.pid)

    def _reap(self, *, block: bool = False) -> None:
        by_pid = {child.pid: child for child in self.children.values()}
        while self.children:
            pid, status, usage = os.wait4(-1, 0 if block else os.WNOHANG)
            if pid == 0:
                return
            child = by_pid.pop(pid)
            del self.children[child.report.fileno()]
            with contextlib.suppress(KeyError):
                self.poll.unregister(child.report)
            cpu = usage.ru_utime + usage.ru_stime
            _tell(child.report, {"status": status, "cpu": cpu, "peak_kb": usage.ru_maxrss})
            child.report.close()


def _tell(report: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        report.send(json.dumps(message).encode() + b"\n")


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def _wake(number: int, frame: object) -> None:
    """Nothing to do: the wake-up pipe has been written already."""


def _drain(reader: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(reader, 4096):
            pass
