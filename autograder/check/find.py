"""Which lab is meant and where the student's notebook of it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from autograder.errors import LabError, NotebookError
from autograder.lab import lab_path, labs_folder, list_labs
from autograder.notebook import lab_named, read_notebook

WORK = "work"
"""Folder below the current one that `labkit start` puts labs in."""

LAB_VARIABLE = "LABKIT_LAB"
"""Environment variable that names the lab where no lab.yml stands beside the notebook."""


@dataclass(frozen=True)
class Work:
    """A student's notebook and the released lab it belongs to."""

    notebook: Path
    lab_dir: Path

    @property
    def folder(self) -> Path:
        """Where the notebook is, and the progress file beside it."""
        return self.notebook.parent

    @property
    def short(self) -> str:
        """The lab's short name, such as lab05."""
        return self.lab_dir.name.split("_")[0]


def find_work(lab: str) -> Work:
    """The student's notebook of `lab`, which is a lab's name, its prefix or a notebook's path.

    Raises:
        LabError: there is no such lab, or it has not been started here.
        NotebookError: the path is no notebook of a lab.
    """
    if lab.endswith(".ipynb"):
        return _work_at(Path(lab))
    lab_dir = released(lab)
    notebook = next((p for p in places(lab_dir.name) if p.is_file()), None)
    if notebook is None:
        short = lab_dir.name.split("_")[0]
        raise LabError(
            f"No notebook of {lab_dir.name} is in {Path.cwd()}. Run `labkit start {short}` there, "
            "or name the notebook's path instead of the lab."
        )
    return Work(notebook, lab_dir)


def places(name: str) -> tuple[Path, ...]:
    """Where the notebook of lab `name` may be, the likeliest first."""
    here = Path.cwd()
    file = f"{name}.ipynb"
    return (here / file, here / name / file, here / WORK / name / file)


def released(lab: str) -> Path:
    """The released lab that `lab` names, by its name or a prefix such as lab05."""
    return lab_path(labs_folder(), lab)


def _work_at(path: Path) -> Work:
    name = lab_named(read_notebook(path)) or path.stem
    if name not in list_labs(labs_folder()):
        raise NotebookError(
            f"{path.name} does not say which lab it belongs to; it is none of ours."
        )
    return Work(path.resolve(), labs_folder() / name)


def lab_here(folder: Path) -> Path:
    """The released lab that a kernel started in `folder` works on.

    Raises:
        LabError: neither the folder nor LABKIT_LAB says so.
    """
    named = os.environ.get(LAB_VARIABLE) or _named_in(folder)
    if named is None:
        raise LabError(
            f"No lab.yml is in {folder}, so the lab is not known. Keep the notebook in the folder "
            f"that `labkit start` made, or set {LAB_VARIABLE} to the lab's name."
        )
    if named in list_labs(labs_folder()) or not (folder / "lab.yml").is_file():
        return released(named)
    return folder


def _named_in(folder: Path) -> str | None:
    """The lab that lab.yml in `folder` names, or else the only lab its notebooks name."""
    try:
        raw: object = yaml.safe_load((folder / "lab.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raw = None
    if isinstance(raw, dict) and isinstance(name := raw.get("name"), str):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return name
    found = {name for path in sorted(folder.glob("*.ipynb")) if (name := _lab_of(path))}
    return found.pop() if len(found) == 1 else None


def _lab_of(path: Path) -> str | None:
    try:
        return lab_named(read_notebook(path))
    except NotebookError:
        return None
