"""What runs inside a jail: takes operations from one socket and answers them, until it closes.

Everything this module and the interpreter need is imported before the fork; the project's own
folder is out of sight afterwards.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import random
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, cast

from autograder.sandbox import frames, jail, wire
from autograder.sandbox.door import Door
from autograder.sandbox.ending import MEMORY_EXIT
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.limits import Level, Limits
from autograder.sandbox.ops import Op
from autograder.sandbox.visible import View

TOKEN = 8
_PACKAGE = __name__.partition(".")[0] + "."
READY = b"ready"

Generator = tuple[Callable[[], Any], Callable[[Any], object]]
"""How to read and to set the state of global random numbers."""


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
    _forget_sources()
    sys.dont_write_bytecode = True
    cast(Any, sys.stdout).reconfigure(line_buffering=True)  # in order with what errors print
    tempfile.tempdir = None
    random.seed(0)
    modules = sys.modules
    if "numpy" in modules:
        modules["numpy"].random.seed(0)
    if "torch" in modules:
        modules["torch"].default_generator.manual_seed(0)  # the other way reads the stack's files


def _forget_sources() -> None:
    """Let nobody look for the sources of this package: tracebacks would, and they are hidden."""
    for name, module in sys.modules.items():
        if name.startswith(_PACKAGE) and (path := module.__file__):
            linecache.cache[path] = (0, None, [], path)


def many(groups: Sequence[Sequence[Op]]) -> bytes:
    """One question for many operations; a group knows nothing of another one's objects.

    Raises:
        WireError: it is too much for one question.
    """
    return wire.encode(("many", tuple(map(tuple, groups))))


def _serve(connection: socket.socket) -> None:
    desk = Desk()
    while True:
        frame = frames.receive(connection, wire.DEFAULT.total_bytes + TOKEN)
        if frame is None:
            return
        answer = desk.answer(*wire.decode(memoryview(frame)[TOKEN:]))
        _flush()
        frames.send(connection, frame[:TOKEN] + answer)


class Desk:
    """Where the commands of the judge's side are answered."""

    def __init__(self) -> None:
        self.interpreter = Interpreter(interruptible=False)
        self.generators = _generators()
        self.loaded = self._random_state()

    def answer(self, command: str, argument: Any) -> bytes:
        """Do what a question asks; the answer is ready to be sent."""
        if command == "execute":
            return self.interpreter.execute_encoded(argument)
        if command == "load":
            reports = self.interpreter.load(cast(tuple[Any, ...], argument))
            self.loaded = self._random_state()
            return wire.encode(reports)
        if command == "many":
            return wire.encode(tuple(self._each(argument)))
        if command == "anew":
            for (_, put), state in zip(self.generators, self.loaded, strict=False):
                put(state)
        self.interpreter.reset()
        return wire.encode(None)

    def _each(self, groups: Sequence[Sequence[Op]]) -> Iterator[bytes]:
        for ops in groups:
            self.interpreter.reset()
            yield from map(self.interpreter.execute_encoded, ops)

    def _random_state(self) -> list[Any]:
        """The state of each generator; nothing when student code broke one: no cell is to blame."""
        with contextlib.suppress(Exception):
            return [get() for get, _ in self.generators]
        return []


def _generators() -> list[Generator]:
    """Those of Python, numpy and torch, held before student code can put others in their place."""
    found: list[Generator] = [(random.getstate, random.setstate)]
    modules: dict[str, Any] = sys.modules
    if "numpy" in modules:
        found.append((modules["numpy"].random.get_state, modules["numpy"].random.set_state))
    if "torch" in modules:
        found.append((modules["torch"].get_rng_state, modules["torch"].set_rng_state))
    return found


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):  # a student may have put anything there
            stream.flush()
