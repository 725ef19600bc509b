"""A term with marked labs: released, handed in by wrong answers of every kind, graded, fed back.

Every hidden text carries marks. What everybody may read carries some too (`PUBLIC`): a search that
does not find these where they must be would not find a leak either.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from autograder.cli import build_app
from autograder.course import Course
from autograder.lab import list_labs, load_spec
from autograder.notebook import source_of
from tests.leaks import code
from tests.leaks.answers import SPY, answers_for
from tests.leaks.finder import Hidden
from tests.leaks.planting import plant

GRADED = "lab05_lora_math"
KNOWN = "break_even__per_token_price"
"""The known mistake that one student makes: the diagnosis reads the hidden file."""
WORD, PACKED = "zqmarkpublic", "zqmarkpacked"
FUNCTION = """\
def for_everybody(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value / math.ulp(total)
    return total
"""
PICTURE = "data:image/png;base64," + base64.b64encode(f"\x89PNG {PACKED}".encode()).decode()
PUBLIC = Hidden({WORD: "a word", PACKED: "a picture"}, code.bodies(FUNCTION, "code"))
PUBLIC_PLACES = {"a word", "a picture", "code: for_everybody"}


@dataclass(frozen=True)
class Term:
    """Everything a student gets, and what must not be in it."""

    root: Path
    course: Course
    hidden: Hidden
    site: Path
    kit: Path

    @property
    def pages(self) -> list[Path]:
        """Every student's feedback page."""
        return sorted((self.course.root / "feedback").rglob("*.html"))

    @property
    def graded(self) -> list[Path]:
        """Every graded notebook."""
        return sorted((self.course.root / "autograded").rglob("*.ipynb"))


def make_term(repository: Path, root: Path) -> Term:
    """Go through a whole term with the real commands. `LABKIT_ROOT` must be `root`."""
    hidden = marked_labs(repository, root / "solutions")
    copy_the_rest(repository, root)
    labkit("build")
    labkit("build", "--kit", root / "kit")
    site = build_site(root)
    labkit("course", "init", root / "course", "--seed", "a seed", "--lab", GRADED)
    course = Course.load(root / "course")
    hand_in_all(course, repository)
    labkit("grade", GRADED, "--course", course.root, "--jobs", "2")
    labkit("feedback", GRADED, "--course", course.root)
    return Term(root, course, hidden, site, root / "kit")


def labkit(*words: str | Path) -> str:
    done = CliRunner().invoke(build_app(), [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def marked_labs(repository: Path, solutions: Path) -> Hidden:
    """A marked copy of every lab."""
    marks: dict[str, str] = {}
    bodies: code.Bodies = {}
    for lab in list_labs(repository / "solutions"):
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(repository / "solutions" / lab, solutions / lab, ignore=ignored)
        planted = plant(solutions / lab)
        marks |= planted.marks
        bodies |= planted.bodies
    tell_everybody(solutions / GRADED / "notebook.py")
    quick(solutions / GRADED / "lab.yml")
    return Hidden(marks, bodies)


def tell_everybody(notebook: Path) -> None:
    cells = f"\n# %% [markdown]\n# The {WORD}. ![p]({PICTURE})\n\n# %% tags=['demo']\n{FUNCTION}"
    notebook.write_text(notebook.read_text("utf-8") + cells.replace("'", '"'), "utf-8")


def quick(path: Path) -> None:
    """A second an exercise: a hand-in that never ends costs no more."""
    spec = yaml.safe_load(path.read_text("utf-8"))
    for exercise in spec["exercises"]:
        exercise["limits"] = {**exercise.get("limits", {}), "cpu_seconds": 1.0}
    path.write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), "utf-8")


def copy_the_rest(repository: Path, root: Path) -> None:
    """Everything of the repository that a build reads, but its labs."""
    for name in ("shared", "autograder"):
        os.symlink(repository / name, root / name)
    for name in ("site", "tools"):
        shutil.copytree(repository / name, root / name)
    for name in ("pyproject.toml", "requirements.lock", "LICENSE", "mkdocs.yml"):
        shutil.copyfile(repository / name, root / name)


def build_site(root: Path) -> Path:
    about = root / "site" / "about.md"
    told = f"\nThe {WORD}. ![p]({PICTURE})\n\n```python\n{FUNCTION}```\n"
    about.write_text(about.read_text("utf-8") + told, "utf-8")
    target = root / "built"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(target)]
    settings = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=root, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


def hand_in_all(course: Course, repository: Path) -> None:
    """Answers of every kind, a known mistake, spies, and a file that is no notebook."""
    names = list(load_spec(course.solution_dir(GRADED)).by_name)
    release = json.loads(course.release_path(GRADED).read_text("utf-8"))
    kinds = answers_for(names)
    _, mistake = source_of(repository / "solutions" / GRADED / "mistakes" / f"{KNOWN}.py")
    put(course, "first", answered(release, kinds[0]))
    put(course, "second", answered(release, kinds[1] | {KNOWN.partition("__")[0]: mistake}))
    put(course, "spy", answered(release, {name: SPY.replace("{name}", name) for name in names}))
    put(course, "broken", "no notebook")


def answered(release: dict[str, Any], answers: dict[str, str]) -> str:
    cells = [
        cell | {"source": answers.get(cell["id"], cell["source"])} for cell in release["cells"]
    ]
    return json.dumps(release | {"cells": cells})


def put(course: Course, student: str, text: str) -> None:
    path = course.submitted(student, GRADED) / f"{GRADED}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
