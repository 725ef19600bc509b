"""A deferred module is loaded by its first use, and by nothing before that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox.deferred import loaded

USES = {
    "a name": "import pack; print(pack.NAME)",
    "a name imported": "from pack import NAME; print(NAME)",
    "a submodule": "import pack.part; print(pack.part.OTHER, pack.NAME)",
    "a submodule imported": "from pack import part; print(part.OTHER)",
    "all of it": "from pack import *; print(NAME)",
    "asking for a name": "import pack; print(hasattr(pack, 'NAME'))",
    "where a submodule is": "from importlib.util import find_spec as f; f('pack.part'); print(1)",
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with the package `pack`, which says so when it is loaded."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text(
        "print('loading')\nfrom pack import part\nNAME = part.OTHER\n"
    )
    (tmp_path / "pack" / "part.py").write_text("OTHER = 'other'\n")
    return tmp_path


def run(folder: Path, code: str, *, module: str = "pack") -> list[str]:
    """What a program prints that defers `module` first."""
    start = f"from autograder.sandbox.deferred import defer, loaded\ndefer({module!r})\n"
    command = [
        sys.executable,
        "-c",
        f"import sys\nsys.path.insert(0, {str(folder)!r})\n{start}{code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_its_import_runs_nothing(pack: Path) -> None:
    code = (
        "import pack, importlib.util\n"
        "print(importlib.util.find_spec('pack').origin, pack.__name__, loaded('pack'))"
    )
    assert run(pack, code) == [f"{pack / 'pack' / '__init__.py'} pack None"]


@pytest.mark.parametrize("use", USES)
def test_a_use_loads_it_once(pack: Path, use: str) -> None:
    printed = run(pack, f"{USES[use]}\n{USES[use]}\nprint(loaded('pack') is sys.modules['pack'])")
    assert printed.count("loading") == 1
    assert printed[0] == "loading"
    assert printed[1] == printed[2]
    assert printed[-1] == "True"


def test_afterwards_it_is_an_ordinary_module(pack: Path) -> None:
    code = (
        "import pack, types, importlib\n"
        "pack.NAME\n"
        "print(type(pack) is types.ModuleType, len(pack.__path__))\n"
        "print(type(pack.__spec__.loader).__name__)\n"
        "print(hasattr(pack, 'missing'), importlib.reload(pack) is pack)\n"
    )
    assert run(pack, code) == [
        "loading", "True 1", "SourceFileLoader", "loading", "False True",
    ]  # fmt: skip


def test_each_of_two_waits_for_its_own_use(pack: Path) -> None:
    (pack / "single.py").write_text("print('single')\nX = 1\n")
    code = "defer('single')\nimport single, pack\nprint(single.X)\nprint(loaded('pack'))\npack.NAME"
    assert run(pack, code) == ["single", "1", "None", "loading"]


def test_one_that_is_not_installed_is_not_found(pack: Path) -> None:
    code = "try:\n    import absent\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert run(pack, code, module="absent") == ["No module named 'absent'"]


def test_one_that_fails_says_why_at_its_use(pack: Path) -> None:
    (pack / "pack" / "part.py").write_text("1 / 0\n")
    code = "import pack\ntry:\n    pack.NAME\nexcept ZeroDivisionError as error:\n    print(error)"
    assert run(pack, code) == ["loading", "division by zero"]


def test_what_is_imported_already_stays_as_it_is(pack: Path) -> None:
    code = "import json\ndefer('json')\nimport json\nprint(loaded('json') is json, json.dumps(1))"
    assert run(pack, code) == ["True 1"]
    assert loaded("json_that_is_nowhere") is None


def test_torch_works_with_what_imports_it_beside_its_use(tmp_path: Path) -> None:
    code = (
        "import tinker, transformers\n"
        "print(loaded('torch'), transformers.is_torch_available())\n"
        "data = tinker.TensorData(data=[1.0, 2.0], dtype='float32', shape=[2])\n"
        "print(data.to_numpy().tolist(), loaded('torch'))\n"
        "print(data.to_torch().sum().item(), loaded('torch') is not None)\n"
        "import torch, torch.nn.functional as F\n"
        "print(F.relu(torch.tensor([-1.0])).tolist(), type(F).__name__)\n"
    )
    assert run(tmp_path, code, module="torch") == [
        "None True", "[1.0, 2.0] None", "3.0 True", "[0.0] module",
    ]  # fmt: skip
