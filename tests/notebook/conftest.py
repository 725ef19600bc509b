"""The tiny lab: its release, and notebooks a student might make of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.notebook import Node, read_release

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture(scope="session")
def source_dir() -> Path:
    """The tiny lab's source."""
    return DATA / "solutions" / "lab00_tiny"


@pytest.fixture(scope="session")
def release() -> Node:
    """The tiny lab's release; tests leave it as it is."""
    return read_release(DATA / "labs" / "lab00_tiny")


@pytest.fixture
def student(release: Node) -> Node:
    """A copy of the release, to be worked on."""
    return copy.deepcopy(release)


@pytest.fixture
def cell() -> Callable[[Node, str], Node]:
    """The cell with a given id."""

    def find(notebook: Node, key: str) -> Node:
        return next(c for c in notebook.cells if c.id == key)

    return find
