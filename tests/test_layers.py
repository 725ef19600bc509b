"""Who may import whom: downwards only, and the command line starts without anything heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"shared"}),
    frozenset({"autograder.errors"}),
    frozenset({"autograder.sandbox"}),
    frozenset({"autograder.lab", "autograder.notebook"}),
    frozenset({"autograder.judge"}),
    frozenset(),  # every other module of autograder
    frozenset({"autograder.cli"}),
)
OTHERS = 5
SHARED: tuple[str, ...] = (
    "shared.data",
    "shared.unneeded",
    "shared.tinker.errors",
    "shared.models.base",
    "shared.models.tokenizers",
    "shared.tinker.service",
    "shared.models.hub",
    "shared.tinker",  # connecting, presets, downloads, recipes
)
"""The layers within `shared`, the lowest first; a module belongs to the longest name it has."""
LIGHT = {
    "annotated_doc",
    "attr",
    "markdown_it",
    "mdurl",
    "pygments",
    "rich",
    "shellingham",
    "typer",
}
"""What `labkit --help` may load of others': typer and rich with what they need."""


def layer(module: str) -> int | None:
    """The layer of one of our modules, counted from below; None for anything else."""
    parts = module.split(".")
    if parts[0] == "shared":
        return 0
    if parts[0] != "autograder" or len(parts) == 1:
        return None
    unit = ".".join(parts[:2])
    return next((n for n, units in enumerate(LAYERS) if unit in units), OTHERS)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(repository: Path) -> list[Path]:
    return sorted([*repository.glob("autograder/**/*.py"), *repository.glob("shared/**/*.py")])


def test_imports_run_downwards_only(repository: Path) -> None:
    upwards: list[str] = []
    for path in ours(repository):
        module = ".".join(path.relative_to(repository).with_suffix("").parts)
        importer = layer(module.removesuffix(".__init__"))
        for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            imported = layer(name)
            if importer is not None and imported is not None and imported > importer:
                upwards.append(f"{module} imports {name}")
    assert upwards == []


def shared_layer(module: str) -> int | None:
    """The layer of a module of `shared`; None for what belongs to none, such as `shared` itself."""
    units = [unit for unit in SHARED if f"{module}.".startswith(f"{unit}.")]
    return SHARED.index(max(units, key=len)) if units else None


def test_imports_within_shared_run_downwards_only(repository: Path) -> None:
    upwards: list[str] = []
    for path in sorted(repository.glob("shared/**/*.py")):
        module = ".".join(path.relative_to(repository).with_suffix("").parts)
        importer = shared_layer(module.removesuffix(".__init__"))
        for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
            imported = shared_layer(name)
            if importer is not None and imported is not None and imported > importer:
                upwards.append(f"{module} imports {name}")
    assert upwards == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("shared.tinker.client", "autograder.errors"),
        ("autograder.sandbox.zygote", "autograder.lab"),
        ("autograder.notebook", "autograder.judge.runner"),
        ("autograder.judge.runner", "autograder.grading"),
        ("autograder.grading", "autograder.cli"),
    ],
)
def test_these_would_be_upwards(importer: str, imported: str) -> None:
    low, high = layer(importer), layer(imported)
    assert low is not None
    assert high is not None
    assert low < high


def test_shared_never_imports_autograder(repository: Path) -> None:
    for path in repository.glob("shared/**/*.py"):
        names = imports(ast.parse(path.read_text(encoding="utf-8")))
        assert not [name for name in names if name.split(".")[0] == "autograder"], path


def packages_loaded_by(code: str) -> set[str]:
    """The top-level names of all modules that `code` has loaded when it ends, however it does."""
    tell = "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    lines = [f"    {line}" for line in code.splitlines()]
    program = "\n".join(["import sys", "try:", *lines, "finally:", f"    {tell}"])
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stderr.split())


def test_help_loads_nothing_heavy() -> None:
    """How long it takes, `benchmarks/commands.py` measures."""
    loaded = packages_loaded_by(
        "from autograder.cli import main\nsys.argv = ['labkit', '--help']\nmain()"
    )
    others = {name for name in loaded if not name.startswith("_")} - sys.stdlib_module_names
    assert "typer" in others
    assert others - LIGHT <= {"autograder", "shared", "sitecustomize", "usercustomize"}


def test_a_check_leaves_what_is_heavy_to_its_child() -> None:
    loaded = packages_loaded_by(
        "import autograder.check.find, autograder.check.run\n"
        "import autograder.check.show, autograder.progress"
    )
    assert "pydantic" in loaded
    assert not loaded & {"hypothesis", "numpy", "pytest", "tinker", "torch", "transformers"}
