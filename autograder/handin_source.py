"""Find hand-ins in files, folders and archives, and tell from the names whose and which lab's.

A name tells a student when it is an id of the roster or starts with one and a separator
(`ana_lab05.ipynb`, `ana_12345_assignsubmission_file/`). Folders count before the file's name, the
outermost first: what stands further in was named by the student, who may name others. Last come the
folders around what was named, so that `collect inbox/ana` works. Without a roster the outermost
folder below it, or the name up to its first `_`, is the id.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.course import Course
from autograder.errors import LabError, NotebookError
from autograder.handin import ORIGINAL, TIMESTAMP
from autograder.notebook import lab_named, read_notebook
from autograder.roster import valid_id

SEPARATORS = "_- .,+("
TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f UTC"


@dataclass(frozen=True)
class Candidate:
    """A file that may be a hand-in. `student` and `lab` are None when nothing tells them."""

    path: Path
    origin: str
    """Where it came from, for messages: the path below what was named, archives included."""
    student: str | None
    lab: str | None
    time: float

    @property
    def is_notebook(self) -> bool:
        """Whether it calls itself a notebook."""
        return self.path.suffix.lower() == ".ipynb"


def recorded_time(folder: Path) -> float | None:
    """The time in nbgrader's `timestamp.txt`, in any form nbgrader takes."""
    try:
        text = (folder / TIMESTAMP).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        from nbgrader.utils import parse_utc

        try:
            return parse_utc(text).replace(tzinfo=UTC).timestamp()
        except (ValueError, OverflowError, AttributeError):
            return None


class Finder:
    """Looks through what the instructor named. `unpack(archive, folder)` unpacks an archive."""

    def __init__(
        self,
        course: Course,
        students: set[str] | None,
        lab: str | None,
        unpack: Callable[[Path, Path], None],
        warn: Callable[[str], None],
    ) -> None:
        self._course = course
        self._ids = None if students is None else {_fold(s): s for s in students}
        self._lab = lab
        self._unpack = unpack
        self._warn = warn
        self._archives = 0
        self._named = ""
        self._around: Sequence[str] = ()
        self._outside: tuple[str, ...] = ()
        """Folders around what was named and its own: names that no student chose."""
        self._chosen = 0
        """How many names more no student chose; -1 when one may have chosen the last."""

    def find(self, path: Path, temporary: Path) -> Iterator[Candidate]:
        """Every file at or below `path` that may be a hand-in, in order of its name."""
        if path.is_dir():
            base = path / "submitted" if (path / "submitted").is_dir() else path
            theirs = self._ids is not None and self._known(path.resolve().name) is not None
            self._outside, self._chosen = base.resolve().parts, -1 if theirs else 0
            *self._around, self._named = self._outside[-2:]
            yield from self._walk(base, (), "", temporary)
        else:
            self._named = ""
            self._outside = path.resolve().parent.parts
            self._chosen = 2 if path.suffix.lower() == ".zip" else 0  # its name, the folder in it
            self._around = self._outside[-2:]
            yield from self._file(path, (), path.name, temporary)

    def _walk(
        self,
        base: Path,
        outer: tuple[str, ...],
        origin: str,
        temporary: Path,
        came: float | None = None,
    ) -> Iterator[Candidate]:
        for here, folders, files in os.walk(base):
            folders[:] = sorted(f for f in folders if not _is_hidden(f))
            inside = Path(here).relative_to(base).parts
            for name in sorted(f for f in files if not _is_hidden(f)):
                shown = "/".join([*([origin] if origin else []), *inside, name])
                yield from self._file(Path(here, name), (*outer, *inside), shown, temporary, came)

    def _file(
        self,
        path: Path,
        folders: tuple[str, ...],
        origin: str,
        temporary: Path,
        came: float | None = None,
    ) -> Iterator[Candidate]:
        if path.is_symlink() or not path.is_file():
            self._warn(f"{origin} is a link or no regular file; left out.")
        elif path.suffix.lower() == ".zip" and temporary not in path.parents:
            self._archives += 1
            into = temporary / str(self._archives)
            into.mkdir()
            self._unpack(path, into)
            # The dates inside a student's own archive are whatever the student wrote there.
            own = self._is_a_students((*folders, path.stem))
            came = path.stat().st_mtime if own else None
            yield from self._walk(into, (*folders, path.stem), origin, temporary, came)
        else:
            found = self._candidate(path, folders, origin, came)
            if found.is_notebook or self._is_theirs(found, folders):
                yield found

    def _candidate(
        self, path: Path, folders: tuple[str, ...], origin: str, came: float | None
    ) -> Candidate:
        """`came` is when the student's archive around it arrived, if there is one."""
        recorded = recorded_time(path.parent) if self._is_nbgraders(folders) else None
        time = came or recorded or path.stat().st_mtime
        student = self._student(folders, path.stem)
        return Candidate(path, origin, student, self._lab_of(path, folders), round(time, 6))

    def _is_a_students(self, names: Sequence[str]) -> bool:
        if self._ids is not None:
            return self._told(names) is not None
        return any(not self._as_lab(name) for name in names)

    def _is_nbgraders(self, folders: tuple[str, ...]) -> bool:
        """Whether this is nbgrader's `submitted/STUDENT/LAB`, where no student writes.

        Anywhere else a student may have handed in a `timestamp.txt`.
        """
        whole = (*self._outside, *folders)
        if len(whole) < 3 or whole[-3] != "submitted" or not self._as_lab(whole[-1]):
            return False
        return len(whole) - 3 < len(self._outside) + self._chosen

    def _is_theirs(self, candidate: Candidate, folders: tuple[str, ...]) -> bool:
        # A file that is no notebook may be the instructor's own notes, unless a student's name
        # or a lab's folder says otherwise.
        if self._ids is not None:
            return candidate.student in self._ids.values()
        return any(self._as_lab(folder) for folder in folders)

    def _student(self, folders: tuple[str, ...], stem: str) -> str | None:
        if self._ids is not None:
            told = self._told((*folders, stem, *reversed(self._around)))
            if told is not None:
                return told
        guesses = [f for f in folders if not self._as_lab(f)]
        guess = guesses[-1 if self._ids is not None else 0] if guesses else stem.split("_")[0]
        guess = unicodedata.normalize("NFC", guess.strip())
        return guess if self._ids is not None or valid_id(guess) else None

    def _told(self, names: Sequence[str]) -> str | None:
        """The student of the roster that the folder which was named, or the first name, tells."""
        known = (self._known(name) for name in (self._named, *names))
        return next((student for student in known if student is not None), None)

    def _known(self, text: str) -> str | None:
        """The longest id of the roster that `text` is or starts with."""
        text = _fold(text)
        assert self._ids is not None
        fits = [
            known
            for known in self._ids
            if text == known or (text.startswith(known) and text[len(known)] in SEPARATORS)
        ]
        return self._ids[max(fits, key=len)] if fits else None

    def _lab_of(self, path: Path, folders: tuple[str, ...]) -> str | None:
        if self._lab is not None:
            return self._lab
        for folder in (*reversed(folders), *reversed(self._around)):
            lab = self._as_lab(folder)
            if lab is not None:
                return lab
        labs = self._course.data.labs
        named = [lab for lab in labs if lab in path.stem] or [_content_lab(path)]
        if named[0] in labs:
            return named[0]
        return next(iter(labs)) if len(labs) == 1 else None

    def _as_lab(self, name: str) -> str | None:
        try:
            return self._course.lab(name) if len(name) >= 3 else None
        except LabError:
            return None


def _content_lab(path: Path) -> str | None:
    try:
        return lab_named(read_notebook(path))
    except NotebookError:
        return None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX")) or name == TIMESTAMP or name.endswith(ORIGINAL)
