"""`labkit submit` writes the hand-in only when it can be graded, and whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
SOLVED = {
    "double": "def double(x):\n    return 2 * x",
    "total": "def total(n):\n    return sum(n)\n\n\ndef mean(n):\n    return total(n) / len(n)",
    "explain_zero": "Because it is the neutral element.",
}


@pytest.fixture
def handin(desk: Path) -> Path:
    return desk / "handin" / "lab00_tiny.ipynb"


def test_the_hand_in_is_the_notebook_byte_for_byte(labkit: Any, solve: Any, handin: Path) -> None:
    path = solve(SOLVED)
    done = labkit("submit", "lab00")
    assert done.exit_code == 0
    assert "Note" not in done.stdout
    assert handin.read_bytes() == path.read_bytes()
    assert f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" in done.stdout
    assert [p.name for p in handin.parent.iterdir()] == ["lab00_tiny.ipynb"]


def test_what_is_not_attempted_is_said_and_handed_in(labkit: Any, solve: Any, handin: Path) -> None:
    solve({"double": SOLVED["double"]})
    done = labkit("submit", "lab00")
    assert done.exit_code == 0
    assert "Note: Exercise total is not attempted (3 points)." in done.stdout
    assert "Note: Question explain_zero is not attempted (2 points)." in done.stdout
    assert "double" not in done.stdout
    assert handin.is_file()


def test_a_stub_that_raises_on_loading_is_only_not_attempted(
    desk: Path, labkit: Any, monkeypatch: pytest.MonkeyPatch, handin: Path
) -> None:
    root = desk.parent / "kit"
    shutil.copytree(DATA, root)
    release = root / "labs" / "lab00_tiny" / "lab00_tiny.ipynb"
    raw = json.loads(release.read_text("utf-8"))
    stub = next(cell for cell in raw["cells"] if cell["id"] == "double")
    stub["source"] = 'class Double:\n    raise NotImplementedError("lab00 double: twice x")'
    release.write_text(json.dumps(raw), encoding="utf-8")
    monkeypatch.setenv("LABKIT_ROOT", str(root))
    assert labkit("start", "lab00").exit_code == 0
    done = labkit("submit", "lab00")
    assert done.exit_code == 0, done.stderr
    assert "Note: Exercise double is not attempted" in done.stdout
    assert handin.is_file()


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"double": ""}, "The cell of exercise double is missing."),
        ({"double": "def double(x:"}, "Cell double does not run: SyntaxError"),
        ({"double": "1 / 0"}, "Cell double does not run: ZeroDivisionError: division by zero"),
        ({"total": "import os; os._exit(1)"}, "Cell total does not run: Cell total ended Python"),
    ],
)
def test_nothing_is_written_while_something_is_wrong(
    labkit: Any, solve: Any, handin: Path, answers: dict[str, str], sentence: str
) -> None:
    solve(SOLVED | answers)
    done = labkit("submit", "lab00")
    assert done.exit_code == 1
    assert "Nothing was written." in done.stderr
    assert sentence in done.stderr
    assert not handin.exists()


def test_a_student_may_hand_in_anyway(labkit: Any, solve: Any, handin: Path) -> None:
    solve(SOLVED | {"double": "def double(x:"})
    done = labkit("submit", "lab00", "--anyway")
    assert done.exit_code == 0
    assert "Problem: Cell double does not run" in done.stdout
    assert handin.is_file()


def test_a_notebook_that_is_too_large_is_refused(labkit: Any, notebook: Path, handin: Path) -> None:
    with notebook.open("ab") as file:
        file.truncate(50_000_000)
    done = labkit("submit", "lab00", "--anyway")
    assert done.exit_code == 2
    assert "50.0 MB large" in done.stderr
    assert not handin.exists()


def test_another_file_or_folder_may_be_named(labkit: Any, solve: Any, desk: Path) -> None:
    solve(SOLVED)
    (desk / "usb").mkdir()
    assert labkit("submit", "lab00", "--to", "usb").exit_code == 0
    assert labkit("submit", "lab00", "--to", "new/Übung 0.ipynb").exit_code == 0
    assert (desk / "usb" / "lab00_tiny.ipynb").read_bytes() == (
        desk / "new" / "Übung 0.ipynb"
    ).read_bytes()


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("answers.txt", "It must end in .ipynb."),
        ("work/lab00_tiny/lab00_tiny.ipynb", "is your notebook itself"),
        ("work/lab00_tiny", "is your notebook itself"),
        ("file/x.ipynb", "cannot be written"),
    ],
)
def test_a_wrong_target_is_refused(
    labkit: Any, solve: Any, desk: Path, to: str, sentence: str
) -> None:
    (desk / "file").write_text("no folder")
    before = solve(SOLVED).read_bytes()
    done = labkit("submit", "lab00", "--to", to)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert (desk / "work" / "lab00_tiny" / "lab00_tiny.ipynb").read_bytes() == before


def test_handing_in_again_replaces_the_file(labkit: Any, solve: Any, handin: Path) -> None:
    solve({})
    labkit("submit", "lab00")
    path = solve(SOLVED)
    assert labkit("submit", "lab00").exit_code == 0
    assert handin.read_bytes() == path.read_bytes()
