"""An exception as data: class names, message and the student's own lines.

Written for exceptions that want to break the reporter: a `__str__` that raises or returns something
odd, a metaclass that overrides `__mro__`, a message with memory addresses that differ every run.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.sandbox.ops import CellReport, Raised

_MESSAGE = 2000
_NAME = 100
_CLASSES = 50
_LINE = 200
_FIRST, _LAST = 2, 4
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_mro: Any = type.__dict__["__mro__"]
_name: Any = type.__dict__["__name__"]
_PYTHONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}


def class_names(kind: type) -> tuple[str, ...]:
    """Names along the class's `__mro__`, most derived first, without `object`."""
    found: tuple[type, ...] = _mro.__get__(kind)
    names = [_name.__get__(cls) for cls in found[:_CLASSES] if cls is not object]
    return tuple(clean(exact(name, _NAME), _NAME) for name in names)


def _exception_names(kind: type) -> tuple[str, ...]:
    """As `class_names`; a class that only borrows the name of one of Python's says so."""
    found: list[type] = [cls for cls in _mro.__get__(kind) if cls is not object]
    return tuple(
        name if _PYTHONS.get(name, cls) is cls else f"{name} (not Python's)"
        for name, cls in zip(class_names(kind), found, strict=False)
    )


def exact(text: Any, limit: int) -> str:
    """The first `limit` characters of a string or string subclass, as a plain string."""
    return str.__getitem__(text, slice(0, limit))


def clean(text: str, limit: int) -> str:
    """`text` cut to `limit`, with what no terminal or file should get replaced."""
    text = exact(text, limit)
    if text.isprintable():  # as nearly all text is
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def trim(raised: Raised) -> Raised:
    """`raised` as it came from an enemy, within the bounds that `describe` keeps."""
    lines = tuple(clean(line, _LINE) for line in raised.lines[: _FIRST + _LAST + 1])
    names = tuple(clean(name, _NAME) for name in raised.mro[:_CLASSES])
    return Raised(names, clean(raised.message, _MESSAGE), lines)


def trim_report(report: CellReport) -> CellReport:
    """A report as it came from an enemy, within bounds."""
    notes = tuple(clean(note, _LINE) for note in report.notes[:_CLASSES])
    return CellReport(report.id, report.error and trim(report.error), notes)


def describe(error: BaseException, sources: Mapping[str, Sequence[str]]) -> Raised:
    """`error` as data. `sources` maps the file name of each cell to its lines."""
    names = _exception_names(type(error))
    if type(error) in (SyntaxError, IndentationError, TabError):
        assert isinstance(error, SyntaxError)
        filename, number = error.filename, error.lineno
        if filename is not None and filename in sources and number is not None:
            line = _line(filename, number, sources)
            return trim(Raised(names, str(error.msg), (line,)))
    return trim(Raised(names, _message(error), _lines(error, sources)))


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
