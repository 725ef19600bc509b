"""The ledger: one line a judged submission, each line holding the hash of the line before.

A grade can then be traced to the exact submission, lab, seed, sandbox level and limits, and a line
changed, dropped or put in later shows. Appending is exactly once: an entry's id is made from what
was judged and what came out, and an id that is there already is not written again. A line torn by
a kill is cut off by the next append.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.course import canonical_json
from autograder.errors import CourseError

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a line says. Everything but `seconds` and `at` goes into its id."""

    student: str
    lab: str
    submission: str
    """sha256 of the submitted file."""
    key: str
    """Name of the verdict in the cache: cells, lab, seed, level and tools together."""
    verdict: str
    """sha256 of the verdict."""
    lab_hash: str
    seed_hash: str
    level: str
    limits: dict[str, Any]
    points: float
    max_points: float
    seconds: float
    """How long judging took."""
    at: str
    """When it was judged, UTC."""

    @property
    def id(self) -> str:
        """The same for the same judgement, whenever and however often it is made."""
        facts = {k: v for k, v in asdict(self).items() if k not in ("seconds", "at")}
        return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def _line(entry: Entry, previous: str) -> str:
    body = {"id": entry.id, **asdict(entry), "previous": previous}
    digest = hashlib.sha256(canonical_json(body).encode()).hexdigest()
    return canonical_json({**body, "hash": digest}) + "\n"


@contextmanager
def _locked(path: Path) -> Generator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _read_all(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    blocks: list[bytes] = []
    while block := os.read(handle, 1 << 20):
        blocks.append(block)
    return b"".join(blocks)


def append(path: Path, entry: Entry) -> bool:
    """Add `entry`, unless it is there. Returns whether a line was written.

    Raises:
        CourseError: the last line is no line of a ledger, so nothing can be chained to it.
    """
    with _locked(path) as handle:
        content = _read_all(handle)
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.ftruncate(handle, len(whole))
        if f'"id":"{entry.id}"'.encode() in whole:
            return False
        line = _line(entry, _last_hash(whole, path))
        os.lseek(handle, 0, os.SEEK_END)
        os.write(handle, line.encode())
        os.fsync(handle)
    return True


def _last_hash(whole: bytes, path: Path) -> str:
    if not whole:
        return GENESIS
    try:
        return str(json.loads(whole.splitlines()[-1])["hash"])
    except (ValueError, KeyError, TypeError):
        raise CourseError(
            f"The last line of {path} is damaged. Keep a copy, cut the line off and grade again."
        ) from None


def verify(path: Path) -> list[str]:
    """What is wrong with the ledger, one sentence a problem; empty when it is sound."""
    if not path.exists():
        return []
    problems: list[str] = []
    previous = GENESIS
    seen: set[str] = set()
    for number, raw in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            line = json.loads(raw)
            claimed = str(line.pop("hash"))
            chained, identity = str(line["previous"]), str(line["id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(f"line {number} is not a line of a ledger.")
            continue
        if hashlib.sha256(canonical_json(line).encode()).hexdigest() != claimed:
            problems.append(f"line {number} was changed after it was written.")
        if chained != previous:
            problems.append(f"line {number} does not follow the line before it.")
        if identity in seen:
            problems.append(f"line {number} repeats an earlier entry.")
        seen.add(identity)
        previous = claimed
    return problems


def read(path: Path) -> list[dict[str, Any]]:
    """All whole lines, oldest first."""
    if not path.exists():
        return []
    return [json.loads(raw) for raw in path.read_bytes().split(b"\n")[:-1] if raw.strip()]
