"""The messages that may cross the wire: their tags, fields and what each field must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, cast

from autograder.sandbox import ops


def _anything(value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return type(value) is str


def _label(value: Any) -> bool:
    """A class name that a message may show."""
    return type(value) is str and len(value) <= 100 and value.isprintable()


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _texts(value: Any) -> bool:
    return type(value) is tuple and all(type(item) is str for item in cast(tuple[Any, ...], value))


def _arguments(value: Any) -> bool:
    return type(value) is tuple


def _named(value: Any) -> bool:
    return type(value) is dict and all(type(key) is str for key in cast(dict[Any, Any], value))


def _handle(value: Any) -> bool:
    return type(value) is ops.Handle


def _target(value: Any) -> bool:
    return type(value) in (str, ops.Handle)


def _failure(value: Any) -> bool:
    return value is None or type(value) is ops.Raised


RECORDS: dict[int, tuple[type[Any], tuple[Callable[[Any], bool], ...]]] = {
    10: (ops.Handle, (_whole, _label)),
    11: (ops.Call, (_target, _arguments, _named)),
    12: (ops.Method, (_handle, _text, _arguments, _named)),
    13: (ops.Get, (_handle, _text)),
    14: (ops.Snippet, (_text, _named)),
    15: (ops.Returned, (_anything,)),
    16: (ops.Raised, (_texts, _text, _texts)),
    17: (ops.SourceCell, (_text, _text, _text)),
    18: (ops.CellReport, (_text, _failure, _texts)),
}
TAGS = {kind: tag for tag, (kind, _) in RECORDS.items()}
FIELDS = {kind: tuple(f.name for f in dataclasses.fields(kind)) for kind in TAGS}
