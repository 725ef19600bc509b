"""An opened store with one run, and its checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.store import Store
from shared.tinker.service.types import LoraSpec
from tests.service.checkpoints.helpers import RUN, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    store = Store.open(tmp_path / "state", clock=clock)
    store.add_session("ana", "s1")
    store.add_run(RUN, "s1", "ana", "null/base", LoraSpec())
    yield store
    store.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "checkpoints"


@pytest.fixture
def checkpoints(store: Store, root: Path) -> Checkpoints:
    return Checkpoints(store, root)
