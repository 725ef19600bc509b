"""Looks for leaks in all files below some folders: marks that were planted, and hidden code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.leaks import code
from tests.leaks.reading import Reader

LONG = 300_000
"""Texts longer than this are searched for marks only: no page of ours holds so much code."""
_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")


@dataclass(frozen=True)
class Hidden:
    """What must not be found: marks by where they were planted, bodies by where they stand."""

    marks: dict[str, str] = field(default_factory=dict[str, str])
    bodies: code.Bodies = field(default_factory=dict[tuple[str, ...], str])


def leaks_in(data: bytes, hidden: Hidden, reader: Reader | None = None) -> set[str]:
    """What of `hidden` can be read in one file."""
    found: set[str] = set()
    for text in (reader or Reader()).texts(data):
        joined = _INVISIBLE.sub("", text).casefold()
        found |= {place for mark, place in hidden.marks.items() if mark in joined}
        if hidden.bodies and len(text) < LONG:
            found |= code.hidden_in(text, hidden.bodies)
    return found


def leaks_below(
    folders: Iterable[Path], hidden: Hidden, *, but: Collection[bytes] = frozenset()
) -> dict[Path, set[str]]:
    """Leaks by file, in every file below `folders` and in the files' names.

    A text is read once: a leak that stands in many files is reported for the first. Of files whose
    digests are in `but` only the names are read.
    """
    reader, found = Reader(), {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            leaks = leaks_in(str(path.relative_to(folder)).encode(), hidden)
            if path.is_file() and _digest(path) not in but:
                leaks |= leaks_in(path.read_bytes(), hidden, reader)
            if leaks:
                found[path] = leaks
    return found


def digests(folder: Path) -> frozenset[bytes]:
    """Of every file below `folder`."""
    return frozenset(_digest(path) for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
