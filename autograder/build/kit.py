"""The students' kit: a folder with the labs and the code they need, and nothing hidden.

Hidden material exists only below `solutions/`, which is never read here.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from autograder.build.drift import IGNORED, replace_folder
from autograder.errors import LabError
from autograder.lab import list_labs, load_spec

FOLDERS = ("labs", "shared", "autograder")
FILES = ("pyproject.toml", "requirements.lock", "LICENSE")
MARKER = ".labkit-kit"

README = """\
# Tinker Lab Kit: your copy

You need Python 3.11. In this folder:

    python3.11 -m venv .venv
    . .venv/bin/activate            # Windows: .venv\\Scripts\\activate
    pip install -r requirements.lock -e .
    labkit labs

Then start a lab and open its notebook:

    labkit start {first}
    jupyter lab

- `labkit check {first}` tries your answers; `check("...")` in a notebook cell does the same.
- `labkit hint {first} EXERCISE` gives a hint, one step at a time.
- `labkit submit {first}` makes the file that you hand in.

{labs}
"""


def write_kit(root: Path, folder: Path) -> Path:
    """Write the students' kit from the repository at `root` to `folder`.

    Raises:
        LabError: `folder` holds something that is no kit, or `root` holds no labs.
    """
    if folder.exists() and not (folder / MARKER).exists() and any(folder.iterdir()):
        raise LabError(f"{folder} is not empty and is no kit of ours. Name a new folder.")
    names = list_labs(root / "labs")
    if not names:
        raise LabError(f"{root / 'labs'} holds no labs. Run `labkit build` first.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".labkit-kit-", dir=folder.parent) as temporary:
        made = Path(temporary) / "kit"
        made.mkdir()
        for name in FOLDERS:
            _copy_tree(root / name, made / name)
        for name in FILES:
            shutil.copyfile(root / name, made / name)
        (made / "README.md").write_text(_readme(root, names), encoding="utf-8")
        (made / MARKER).write_text("Made by `labkit build --kit`.\n", encoding="utf-8")
        replace_folder(made, folder)
    return folder


def _copy_tree(source: Path, target: Path) -> None:
    def left_out(_: str, names: list[str]) -> list[str]:
        return [n for n in names if n in IGNORED or n.startswith(".") or n.endswith(".pyc")]

    shutil.copytree(source, target, ignore=left_out, copy_function=shutil.copyfile)


def _readme(root: Path, names: list[str]) -> str:
    specs = [load_spec(root / "labs" / name) for name in names]
    rows = [f"| {s.name} | {s.title} | {s.minutes} min | {s.automatic_points} |" for s in specs]
    head = ["| lab | title | time | points |", "|---|---|---|---|"]
    return README.format(first=names[0], labs="\n".join([*head, *rows]))
