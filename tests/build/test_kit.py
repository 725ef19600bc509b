"""The students' kit works on its own and holds nothing hidden."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.build import write_kit
from autograder.errors import LabError


@pytest.fixture(scope="module")
def kit(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit of this repository's code with the tiny lab added."""
    root = tmp_path_factory.mktemp("root")
    for name in ("shared", "autograder", "labs"):
        if (repository / name).is_dir():
            shutil.copytree(repository / name, root / name)
    for name in ("pyproject.toml", "requirements.lock", "LICENSE"):
        shutil.copyfile(repository / name, root / name)
    data = repository / "tests" / "data"
    shutil.copytree(data / "labs", root / "labs", dirs_exist_ok=True)
    shutil.copytree(data / "solutions", root / "solutions")
    return write_kit(root, root / "out" / "kit")


def hidden_lines(repository: Path) -> set[str]:
    """Long lines that stand in a lab's hidden files, and in none of its public ones."""
    hidden: set[str] = set()
    public: set[str] = set()
    for lab in [*repository.glob("solutions/*"), *repository.glob("tests/data/solutions/*")]:
        for path in [lab / "judge.py", *lab.glob("mistakes/**/*.py"), *lab.glob("alternatives/*")]:
            if path.is_file():
                hidden |= set(path.read_text("utf-8").splitlines())
        public |= set((lab / "notebook.py").read_text("utf-8").splitlines())
        if (lab / "checks.py").is_file():
            public |= set((lab / "checks.py").read_text("utf-8").splitlines())
    wanted = {line.strip() for line in hidden - public}
    return {line for line in wanted if len(line) > 40 and "import" not in line}


def test_it_holds_what_students_need(kit: Path) -> None:
    there = {p.name for p in kit.iterdir()}
    assert there == {
        "labs", "shared", "autograder", "pyproject.toml", "requirements.lock", "LICENSE",
        "README.md", ".labkit-kit",
    }  # fmt: skip
    assert (kit / "labs" / "lab00_tiny" / "checks.py").is_file()
    assert "lab00_tiny" in (kit / "README.md").read_text("utf-8")


def test_it_holds_nothing_hidden(repository: Path, kit: Path) -> None:
    names = {p.name for p in kit.rglob("*")}
    assert not names & {"solutions", "judge.py", "mistakes", "alternatives", "equivalent.yml"}
    assert not [n for n in names if n.endswith(".pyc") or n == "__pycache__"]
    lines = hidden_lines(repository)
    assert "You squared the number: twice three is six, not nine." in "\n".join(lines)
    texts = [p.read_text("utf-8") for p in kit.rglob("*") if p.suffix in (".py", ".ipynb", ".yml")]
    found = {line for line in lines for text in texts if line in text}
    assert found == set()


def test_its_command_runs_from_it(kit: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "LABKIT_ROOT"}
    environment["PYTHONPATH"] = str(kit)
    code = "import autograder; print(autograder.__file__); from autograder.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "labs"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(kit))
    assert "lab00_tiny" in done.stdout


def test_a_student_can_work_with_nothing_but_it(kit: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "LABKIT_ROOT"}
    environment["PYTHONPATH"] = str(kit)
    code = "from autograder.cli import main; main()"

    def labkit(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert labkit("start", "lab00").returncode == 0
    done = labkit("check", "lab00")
    assert (done.returncode, done.stderr) == (1, "")
    assert "double: not attempted" in done.stdout
    assert labkit("hint", "lab00", "double").returncode == 0
    assert labkit("submit", "lab00").returncode == 0


def test_a_kit_is_written_over_but_nothing_else(kit: Path, tmp_path: Path) -> None:
    root = kit.parent.parent
    (kit / "stray").write_text("left over")
    write_kit(root, kit)
    assert not (kit / "stray").exists()
    (tmp_path / "thesis.tex").write_text("dear")
    with pytest.raises(LabError, match="is not empty and is no kit of ours"):
        write_kit(root, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "dear"


def test_without_labs_there_is_no_kit(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="holds no labs"):
        write_kit(tmp_path, tmp_path / "kit")
