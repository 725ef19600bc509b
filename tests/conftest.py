"""Shared by all tests: a clean environment, the repository's folder, and its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Before any test imports torch or matplotlib: one thread each, no window, no hub, no real key.
os.environ.update(
    OMP_NUM_THREADS="1", MPLBACKEND="Agg", HF_HUB_OFFLINE="1", JUPYTER_PLATFORM_DIRS="1"
)
for name in ("TINKER_API_KEY", "TINKER_BASE_URL", "LABKIT_ROOT"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: begun last, one would keep a worker when the other is done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def files(repository: Path) -> tuple[Path, ...]:
    """Every file of the project that git does not ignore, relative to the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
    paths = sorted({Path(os.fsdecode(name)) for name in listed.split(b"\0") if name})
    return tuple(path for path in paths if (repository / path).is_file())


@pytest.fixture(scope="session")
def built_site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built as `make site` does, in a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    done = subprocess.run(
        command,
        cwd=repository,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target
