"""An exception as data: class names, message and the student's own lines.

Written for exceptions that want to break the reporter: a `__str__` that raises or returns something
odd, a metaclass that overrides `__mro__`, a message with memory addresses that differ every run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.sandbox.ops import Raised

_MESSAGE = 2000
_LINE = 200
_FIRST, _LAST = 2, 4
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_mro: Any = type.__dict__["__mro__"]
_name: Any = type.__dict__["__name__"]


def class_names(kind: type) -> tuple[str, ...]:
    """Names along the class's `__mro__`, most derived first, without `object`."""
    found: tuple[type, ...] = _mro.__get__(kind)
    return tuple(exact(_name.__get__(cls), 100) for cls in found if cls is not object)


def exact(text: Any, limit: int) -> str:
    """The first `limit` characters of a string or string subclass, as a plain string."""
    return str.__getitem__(text, slice(0, limit))


def describe(error: BaseException, sources: Mapping[str, Sequence[str]]) -> Raised:
    """`error` as data. `sources` maps the file name of each cell to its lines."""
    names = class_names(type(error))
    if type(error) in (SyntaxError, IndentationError, TabError):
        assert isinstance(error, SyntaxError)
        filename, number = error.filename, error.lineno
        if filename is not None and filename in sources and number is not None:
            line = _line(filename, number, sources)
            return Raised(names, str(error.msg), (line,))
    return Raised(names, _message(error), _lines(error, sources))


def _message(error: BaseException) -> str:
    try:
        text = exact(str(error), _MESSAGE)
    except BaseException as hostile:  # a student's __str__ may raise anything
        if isinstance(hostile, MemoryError):
            raise
        return "(its message cannot be read)"
    return _ADDRESS.sub("0x...", text)


def _lines(error: BaseException, sources: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    found: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename in sources:
            found.append(_line(filename, trace.tb_lineno, sources))
        trace = trace.tb_next
    if len(found) > _FIRST + _LAST:
        found[_FIRST:-_LAST] = [f"... {len(found) - _FIRST - _LAST} more"]
    return tuple(found)


def _line(filename: str, number: int, sources: Mapping[str, Sequence[str]]) -> str:
    lines = sources[filename]
    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"{filename.strip('<>')}, line {number}: {text}"[:_LINE]
