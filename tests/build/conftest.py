"""The tiny lab's source, in a repository of its own that a test may change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the tiny lab's source and its release; the command line uses it."""
    root = tmp_path / "kit root"
    shutil.copytree(DATA, root)
    monkeypatch.setenv("LABKIT_ROOT", str(root))
    return root


@pytest.fixture
def source(root: Path) -> Path:
    """The tiny lab's source."""
    return root / "solutions" / "lab00_tiny"
