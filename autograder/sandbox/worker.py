"""What runs inside a jail: takes operations from one socket and answers them, until it closes.

Everything this module and the interpreter need is imported before the fork; the project's own
folder is out of sight afterwards.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import tempfile
from typing import Any, NoReturn, cast

from autograder.sandbox import frames, jail, wire
from autograder.sandbox.door import Door
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.visible import View

MEMORY_EXIT = 77
TOKEN = 8
READY = b"ready"


def run(
    connection: socket.socket,
    level: Level,
    view: View,
    limits: Limits,
    zygote: int,
    door: Door | None = None,
) -> NoReturn:
    """Jail this process, a fork of the zygote, and serve `connection`. Never returns."""
    try:
        listener = jail.enter(level, view, limits, zygote, door)
    except OSError as error:
        frames.send(connection, str(error).encode())
        os._exit(1)
    _settle(view)
    if listener is None:
        frames.send(connection, READY)
    else:
        socket.send_fds(connection, [frames.pack(READY)], [listener.fileno()])
        listener.close()
    try:
        _serve(connection)
    except MemoryError:
        os._exit(MEMORY_EXIT)
    except BaseException:  # the caller sees the closed socket; there is nobody else to tell
        os._exit(1)
    os._exit(0)


def _settle(view: View) -> None:
    """The same start for every jail, whatever happened in the warm process before."""
    if view.hidden in sys.path:  # out of sight, but its list of names is still remembered
        sys.path.remove(view.hidden)
        sys.path_importer_cache.pop(view.hidden, None)
    sys.dont_write_bytecode = True
    cast(Any, sys.stdout).reconfigure(line_buffering=True)  # in order with what errors print
    tempfile.tempdir = None
    random.seed(0)
    modules = sys.modules
    if "numpy" in modules:
        modules["numpy"].random.seed(0)
    if "torch" in modules:
        modules["torch"].manual_seed(0)


def _serve(connection: socket.socket) -> None:
    interpreter = Interpreter(interruptible=False)
    while True:
        frame = frames.receive(connection, wire.DEFAULT.total_bytes + TOKEN)
        if frame is None:
            return
        answer = _answer(interpreter, *wire.decode(memoryview(frame)[TOKEN:]))
        _flush()
        frames.send(connection, frame[:TOKEN] + answer)


def _answer(interpreter: Interpreter, command: str, argument: Any) -> bytes:
    if command == "execute":
        return interpreter.execute_encoded(argument)
    if command == "load":
        return wire.encode(interpreter.load(cast(tuple[Any, ...], argument)))
    interpreter.reset()
    return wire.encode(None)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):  # a student may have put anything there
            stream.flush()
