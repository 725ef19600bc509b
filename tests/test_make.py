"""`make` on a machine that is not ready says what to install; an interrupted `.venv` is redone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SHIM = """#!/bin/sh
exec "{python}" -S -c "
import runpy, sys
{before}
sys.argv = sys.argv[1:]
sys.path.insert(0, 'tools')
runpy.run_path(sys.argv[0], run_name='__main__')
" "$@"
"""


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """A folder with what `make venv` reads, and nothing else."""
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "tools/venv.py"):
        shutil.copy(repository / name, tmp_path / name)
    (tmp_path / "requirements.lock").write_text("", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    keep = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "PYTHON", "TORCH_INDEX"}}
    return subprocess.run(
        ["make", *words], cwd=folder, env=keep, capture_output=True, text=True, check=False
    )


def shim(folder: Path, before: str) -> str:
    """A `python3.11` that pretends."""
    path = folder / "bin" / "python3.11"
    path.parent.mkdir()
    path.write_text(SHIM.format(python=sys.executable, before=before), encoding="utf-8")
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_no_python_is_refused_in_one_sentence(clone: Path) -> None:
    done = make(clone, "test", "PYTHON=no-such-python")
    assert done.returncode == 2
    sentence = done.stderr.splitlines()[0]
    assert "There is no no-such-python here" in sentence
    assert "apt-get install python3.11 python3.11-venv" in sentence
    assert not (clone / ".venv").exists()


def test_another_python_is_refused_in_one_sentence(clone: Path) -> None:
    done = make(clone, "demo", shim(clone, "sys.version_info = (3, 12, 1, 'final', 0)"))
    assert done.returncode == 2
    sentence = done.stderr.splitlines()[0]
    assert "needs Python 3.11" in sentence
    assert "is Python 3.12" in sentence
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_venv_package_is_named(clone: Path, module: str) -> None:
    done = make(clone, "test", shim(clone, f"sys.modules['{module}'] = None"))
    assert done.returncode == 2
    sentence = done.stderr.splitlines()[0]
    assert f"lacks the module {module}" in sentence
    assert "python3.11-venv" in sentence


def test_the_torch_index_reaches_the_environment(clone: Path) -> None:
    index = "https://download.pytorch.org/whl/cpu"
    assert (
        f'--extra-index-url "{index}"' in make(clone, "-n", "venv", f"TORCH_INDEX={index}").stdout
    )
    assert "--extra-index-url" not in make(clone, "-n", "venv").stdout


@pytest.mark.parametrize("target", ["demo", "test", "audit", "check", "site", "lock"])
def test_every_target_makes_the_environment_first(clone: Path, target: str) -> None:
    done = make(clone, "-n", target)
    assert done.returncode == 0
    assert "tools/venv.py" in done.stdout


@pytest.fixture
def tool(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/venv.py with its two slow steps replaced: `steps` records what was done."""
    spec = importlib.util.spec_from_file_location("tools_venv", repository / "tools/venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.steps = []

    def create(venv: Path) -> None:
        module.steps.append("create")
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        (venv / "bin" / "python").unlink(missing_ok=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(module, "create", create)
    monkeypatch.setattr(module, "pip", lambda venv, *words: module.steps.append(words[1]))
    return module


def test_an_environment_is_made_once(tool: ModuleType, clone: Path) -> None:
    assert tool.make(clone)
    assert tool.steps == ["create", "-r", "--no-deps"]
    assert not tool.make(clone)


def test_a_changed_lock_makes_it_anew(tool: ModuleType, clone: Path) -> None:
    tool.make(clone)
    (clone / "requirements.lock").write_text("a==1\n", encoding="utf-8")
    assert tool.make(clone)
    assert tool.steps.count("create") == 2


def test_a_changed_project_is_installed_without_starting_over(
    tool: ModuleType, clone: Path
) -> None:
    tool.make(clone)
    (clone / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert tool.make(clone)
    assert tool.steps.count("create") == 1


def test_an_interrupted_installation_starts_over(
    tool: ModuleType, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(venv: Path, *words: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tool, "pip", killed)
        with pytest.raises(KeyboardInterrupt):
            tool.make(clone)
    assert tool.make(clone)
    assert tool.steps == ["create", "create", "-r", "--no-deps"]


def test_a_copied_repository_does_not_use_the_other_ones_scripts(
    tool: ModuleType, clone: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tool.make(clone)
    copy = tmp_path_factory.mktemp("copy") / "kit"
    shutil.copytree(clone, copy, symlinks=True)
    assert tool.make(copy)
    assert tool.steps.count("create") == 2
