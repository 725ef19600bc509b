"""What holds for every file: its size, its opening line, and what must never be in it."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

MAX_LINES, MAX_FUNCTION_LINES = 300, 40
RELEASED = re.compile(r"labs/(\w+)/(\1\.ipynb|checks\.py|lab\.yml|figures/[\w.-]+)")
BINARY = {".png", ".jpg", ".woff2", ".ico", ".safetensors", ".npz", ".db"}
# Written so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|Users|home)" + r"/[a-z]\w*")


@pytest.fixture(scope="module")
def sources(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """The Python files written by hand; a lab's notebook is as long as the lab."""
    return tuple(
        path
        for path in files
        if (path.suffix == ".py" and path.parts[0] != "labs" and path.name != "notebook.py")
        or path == Path("autograder/notebook.py")
    )


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_longer_than_one_reading(repository: Path, sources: tuple[Path, ...]) -> None:
    lengths = {str(p): (repository / p).read_text("utf-8").count("\n") for p in sources}
    assert {p: n for p, n in lengths.items() if n > MAX_LINES} == {}


def test_no_function_is_longer_than_a_screen(repository: Path, sources: tuple[Path, ...]) -> None:
    long = [
        f"{path}: {name} has {lines} lines"
        for path in sources
        for name, lines in functions(ast.parse((repository / path).read_text("utf-8")))
        if lines > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_every_file_opens_with_what_it_is_for(repository: Path, sources: tuple[Path, ...]) -> None:
    silent = [
        str(path)
        for path in sources
        if (text := (repository / path).read_text("utf-8")).strip()
        and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def test_no_file_names_a_machine(repository: Path, files: tuple[Path, ...]) -> None:
    named = {
        str(path): sorted(found)
        for path in files
        if path.suffix not in BINARY
        and (found := set(MACHINE_PATH.findall((repository / path).read_text("utf-8"))))
    }
    assert named == {}


def test_a_released_lab_holds_nothing_else(files: tuple[Path, ...]) -> None:
    released = [path.as_posix() for path in files if path.parts[0] == "labs"]
    assert [path for path in released if not RELEASED.fullmatch(path)] == []


def solution_lines(text: str) -> set[str]:
    """Lines of the solutions in a lab's source that are long enough to be nobody's accident."""
    blocks = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", text, re.DOTALL)
    return {
        line.strip() for block in blocks for line in block.splitlines() if len(line.strip()) > 40
    }


def test_no_line_of_a_solution_is_released(repository: Path) -> None:
    for source in repository.glob("solutions/*/notebook.py"):
        name = source.parent.name
        notebook = json.loads((repository / "labs" / name / f"{name}.ipynb").read_text("utf-8"))
        released = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
        lines = solution_lines(source.read_text("utf-8"))
        assert lines, f"{source} has no solution: the test would prove nothing"
        assert [line for line in lines if line in released] == []
        assert "### BEGIN" not in released


def test_released_labs_have_no_rubrics(repository: Path) -> None:
    for path in repository.glob("labs/*/lab.yml"):
        assert "rubric" not in path.read_text("utf-8"), path


def test_packages_hold_only_the_kit(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))
    found = project["tool"]["setuptools"]["packages"]["find"]
    assert found == {"include": ["shared*", "autograder*"]}
    packaged = [*repository.glob("autograder/**/*"), *repository.glob("shared/**/*")]
    assert [p for p in packaged if p.name in {"mistakes", "alternatives", "equivalent.yml"}] == []


def test_the_lock_names_no_index_and_no_build(repository: Path) -> None:
    lines = (repository / "requirements.lock").read_text("utf-8").splitlines()
    options = [line for line in lines if line.startswith("-")]
    assert options == []
    pins = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_the_lock_covers_every_requirement(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dev"], *extras["site"]]
    names = {re.split(r"[\[<>=!]", line)[0].lower().replace("_", "-") for line in wanted}
    lock = (repository / "requirements.lock").read_text("utf-8")
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line}
    assert names - locked == set()


def test_the_lock_installs_on_debians_python(repository: Path) -> None:
    lock = (repository / "requirements.lock").read_text("utf-8")
    refusing = []
    for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE):
        wanted = metadata(name).get("Requires-Python")
        if wanted and "3.11.2" not in SpecifierSet(wanted):
            refusing.append(f"{name} wants Python {wanted}")
    assert refusing == []
