"""A course folder: nbgrader's own layout plus what the judge needs to know about the course.

    source/ release/ submitted/ autograded/ feedback/ gradebook.db    nbgrader's
    nbgrader_config.py    hands every nbgrader command to `autograder.grading`
    course.json           the seed, the labs and the hash each lab's source had (`Course`)
    roster.csv            who may hand in
    verdicts/             what the judge said, by everything it depends on
    ledger.jsonl          one line a judged submission
    quarantine/           hand-ins that belong to nobody on the roster
    logs/                 what nbgrader had to say

Nothing here imports nbgrader; `autograder.course_init` makes the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autograder.errors import CourseError, LabError
from autograder.lab import LabSpec, load_spec, matching

COURSE_FILE = "course.json"
UNGRADED_PARTS = ("alternatives", "figures", "second", "__pycache__")
"""Folders of a lab's source that no grade depends on."""
UNGRADED_FILES = ("equivalent.yml",)


class CourseData(BaseModel):
    """What `course.json` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    seed: Annotated[str, Field(min_length=1)]
    """Decides the hidden inputs. Whoever knows it and the judge knows them."""
    solutions: str
    """The folder with the labs' sources."""
    labs: dict[str, str]
    """Lab name -> hash of its source when the lab was added, see `lab_hash`."""
    trust_students: bool = False
    """Grade without a sandbox. Written into every report."""


class Course:
    """A course on disk. Cheap to make; reads `course.json` once."""

    def __init__(self, root: Path, data: CourseData) -> None:
        self.root = root.resolve()
        self.data = data

    @classmethod
    def load(cls, root: Path) -> Course:
        """Open the course at `root`.

        Raises:
            CourseError: there is none, or `course.json` is damaged.
        """
        path = root / COURSE_FILE
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CourseError(
                f"{root} is no course folder: it has no {COURSE_FILE}. "
                f"Make one with: labkit course init {root}"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(f"{path} cannot be read: {error}") from error
        try:
            return cls(root, CourseData.model_validate_json(text))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise CourseError(f"{path} is damaged: {where}: {first['msg']}") from error

    @property
    def roster_path(self) -> Path:
        """Where the roster is, if there is one."""
        return self.root / "roster.csv"

    @property
    def verdicts(self) -> Path:
        """The verdict cache."""
        return self.root / "verdicts"

    @property
    def ledger_path(self) -> Path:
        """The ledger of judged submissions."""
        return self.root / "ledger.jsonl"

    @property
    def logs(self) -> Path:
        """Nbgrader's messages."""
        return self.root / "logs"

    @property
    def seed_hash(self) -> str:
        """Names the seed without telling it."""
        return hashlib.sha256(f"labkit seed {self.data.seed}".encode()).hexdigest()

    def lab(self, name: str) -> str:
        """The full name of lab `name`, which may be a unique prefix.

        Raises:
            LabError: the course has no such lab.
        """
        labs = sorted(self.data.labs)
        found = matching(name, labs)
        if len(found) != 1:
            known = ", ".join(labs) or "none yet: labkit course init DIR --lab LAB adds one"
            raise LabError(f"{name!r} names {len(found)} labs of this course. It has: {known}.")
        return found[0]

    def solution_dir(self, lab: str) -> Path:
        """The lab's source folder.

        Raises:
            CourseError: it is not where `course.json` says.
        """
        folder = Path(self.data.solutions) / lab
        if not (folder / "lab.yml").is_file():
            raise CourseError(
                f"{self.root / COURSE_FILE} says that {lab} is in {folder.parent}, "
                f"but it is not there. Point the course to it: labkit course init {self.root}"
            )
        return folder

    def spec(self, lab: str) -> LabSpec:
        """The lab's description."""
        return load_spec(self.solution_dir(lab))

    def require_unchanged(self, lab: str) -> str:
        """The hash of the lab's source, which must be the pinned one.

        Raises:
            CourseError: the source changed since the lab was added to the course.
        """
        now = lab_hash(self.solution_dir(lab))
        if now != self.data.labs[lab]:
            raise CourseError(
                f"The source of {lab} changed since this course took it in, so grades would not "
                f"be comparable. Undo the change, or accept it for everybody: "
                f"labkit course init {self.root} --lab {lab}, then grade again."
            )
        return now

    def release_path(self, lab: str) -> Path:
        """The notebook as students got it."""
        return self.root / "release" / lab / f"{lab}.ipynb"

    def submitted(self, student: str, lab: str) -> Path:
        """The folder of a hand-in."""
        return self.root / "submitted" / student / lab

    def autograded(self, student: str, lab: str) -> Path:
        """The folder of a graded hand-in."""
        return self.root / "autograded" / student / lab

    def handed_in(self, lab: str) -> list[str]:
        """Students with something in `submitted/` for the lab, sorted."""
        return sorted(_students(self.root / "submitted", lab))


def _students(folder: Path, lab: str) -> Iterator[str]:
    if not folder.is_dir():
        return
    for student in folder.iterdir():
        handin = student / lab
        if not student.name.startswith(".") and handin.is_dir() and any(handin.iterdir()):
            yield student.name


def _counts(relative: Path) -> bool:
    parts = relative.parts
    if any(part.startswith(".") or part in UNGRADED_PARTS for part in parts):
        return False
    return relative.name not in UNGRADED_FILES and relative.suffix not in (".pyc", ".md")


def lab_hash(solution_dir: Path) -> str:
    """One hash of everything in a lab's source that a grade may depend on.

    Files are read again only when one of them was touched, added or removed.
    """
    return _hash_of(solution_dir, tuple(sorted(_touched(str(solution_dir)))))


def _touched(folder: str) -> Iterator[tuple[str, int, int, int, int]]:
    """Every file below `folder` with what changes when it is written."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _touched(entry.path)
            elif entry.is_file():
                s = entry.stat()
                yield entry.path, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns


@lru_cache(maxsize=16)
def _hash_of(solution_dir: Path, touched: tuple[tuple[str, int, int, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(name).relative_to(solution_dir) for name, *_ in touched):
        if _counts(path):
            content = hashlib.sha256((solution_dir / path).read_bytes()).hexdigest()
            digest.update(f"{path.as_posix()} {content}\n".encode())
    return digest.hexdigest()


def canonical_json(value: object) -> str:
    """The one way `value` is written where its bytes are hashed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
