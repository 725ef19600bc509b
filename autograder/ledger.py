"""The ledger: one line a judged submission, each line holding the hash of the line before.

A grade can then be traced to the exact submission, lab, judge, seed, sandbox level and limits, and
a line changed, dropped or put in later shows. Appending is exactly once: an entry's id is made from
what was judged and what came out, and it is not written when the student's last line has it
already. A line torn by a kill is cut off by the next append.

Lines cut off at the end leave a chain that is sound. So `labkit ledger verify` also compares with
the gradebook (`autograder.reconcile`), and with a hash noted down earlier.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.course import canonical_json
from autograder.errors import CourseError

GENESIS = "0" * 64
INCIDENTAL = ("seconds", "timings", "at")
"""What differs each time the same submission is judged."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a line says. Everything but `INCIDENTAL` goes into its id."""

    student: str
    lab: str
    submission: str
    """sha256 of the file that was graded."""
    key: str
    """Name of the verdict in the cache: cells, lab, seed, level and tools together."""
    verdict: str
    """sha256 of the verdict."""
    lab_hash: str
    judge_hash: str
    """One hash of the judge's code and of the packages it computes with."""
    seed_hash: str
    """Names the seed without telling it, so that a line can be shown in an appeal."""
    level: str
    limits: dict[str, Any]
    """By exercise."""
    submission_limits: dict[str, Any]
    service: dict[str, Any]
    """What each exercise may ask of the Tinker service; empty where a lab needs none."""
    exercises: dict[str, dict[str, Any]]
    """Points, most points and status of each exercise."""
    incidents: dict[str, list[str]]
    """What the judge saw of attacks and limits, by exercise: `autograder.judge.incidents`."""
    notes: list[str]
    """What happened to the notebook before it was judged."""
    points: float
    max_points: float
    timings: dict[str, dict[str, float]]
    """What each exercise used: CPU and wall seconds, memory, printed text."""
    seconds: float
    """How long judging took."""
    at: str
    """When it was judged, UTC."""
    originals: list[str] = field(default_factory=list[str])
    """sha256 of the files kept beside it: an older hand-in, or what a pristine one stands for."""

    @property
    def id(self) -> str:
        """The same for the same judgement, whenever and however often it is made."""
        facts = {k: v for k, v in asdict(self).items() if k not in INCIDENTAL}
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
    """Add `entry`, unless it is the student's last of the lab. Returns whether a line was written.

    Raises:
        CourseError: the last line is no line of a ledger, so nothing can be chained to it.
    """
    with _locked(path) as handle:
        content = _read_all(handle)
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.ftruncate(handle, len(whole))
        if _last_id(whole, entry.student, entry.lab) == entry.id:
            return False
        line = _line(entry, _last_hash(whole, path))
        os.lseek(handle, 0, os.SEEK_END)
        os.write(handle, line.encode())
        os.fsync(handle)
    return True


def _last_id(whole: bytes, student: str, lab: str) -> str | None:
    """The id of the newest line on this student and lab. Parses the lines that name both only."""
    mark = f'"student":{canonical_json(student)}'.encode()
    end = len(whole)
    while (found := whole.rfind(mark, 0, end)) >= 0:
        start = whole.rfind(b"\n", 0, found) + 1
        line = _parsed(whole[start : whole.index(b"\n", found)])
        if line and (line.get("student"), line.get("lab")) == (student, lab):
            return str(line.get("id"))
        end = start
    return None


def _last_hash(whole: bytes, path: Path) -> str:
    line = _parsed(whole.splitlines()[-1]) if whole else {"hash": GENESIS}
    if line is None or "hash" not in line:
        raise CourseError(
            f"The last line of {path} is damaged. Keep a copy, cut the line off and grade again."
        )
    return str(line["hash"])


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A line as data; None when it is not JSON of an object."""
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None  # pyright: ignore[reportUnknownVariableType]


def verify(path: Path) -> list[str]:
    """What is wrong with the chain, one sentence a problem; empty when it is sound."""
    problems: list[str] = []
    previous = GENESIS
    newest: dict[tuple[str, str], str] = {}
    for number, raw in enumerate(_whole_lines(path), start=1):
        line = _parsed(raw)
        if line is None or not {"hash", "previous", "id", "student", "lab"} <= line.keys():
            problems.append(f"line {number} is not a line of a ledger.")
            continue
        claimed = str(line.pop("hash"))
        if hashlib.sha256(canonical_json(line).encode()).hexdigest() != claimed:
            problems.append(f"line {number} was changed after it was written.")
        if line["previous"] != previous:
            problems.append(f"line {number} does not follow the line before it.")
        whose = (str(line["student"]), str(line["lab"]))
        if newest.get(whose) == line["id"]:
            problems.append(f"line {number} repeats the line before it on {' in '.join(whose)}.")
        newest[whose] = str(line["id"])
        previous = claimed
    return problems


def _whole_lines(path: Path) -> list[bytes]:
    """The lines of the file without their ends; one that a kill tore off is none."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def is_torn(path: Path) -> bool:
    """Whether a kill tore the last line. The next append replaces it."""
    return path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0


def read(path: Path) -> list[dict[str, Any]]:
    """All whole lines, oldest first; a line that is no JSON object is left out."""
    return [line for raw in _whole_lines(path) if (line := _parsed(raw)) is not None]


def head(path: Path) -> str:
    """The hash of the last line: it names the whole ledger as it is now."""
    lines = read(path)
    return str(lines[-1].get("hash")) if lines else GENESIS


def newest(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The last line of every student and lab."""
    return {(str(line["student"]), str(line["lab"])): line for line in _named(path)}


def newest_of_file(path: Path, submission: str, lab: str) -> dict[str, Any] | None:
    """The last line on a file of a lab, by the file's sha256."""
    found = [x for x in _named(path) if (x["submission"], x["lab"]) == (submission, lab)]
    return found[-1] if found else None


def _named(path: Path) -> Iterator[dict[str, Any]]:
    for line in read(path):
        if {"student", "lab", "submission", "hash"} <= line.keys():
            yield line
