"""A jail that cannot be built while judging is the machine's fault: no verdict, exit code 3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import EnvironmentRefused
from autograder.judge.examiner import Examiner
from autograder.judge.runner import PRELOAD, judge
from autograder.notebook import reference_cells
from autograder.sandbox.client import Zygote
from autograder.sandbox.probe import probe

from .conftest import LAB

pytestmark = pytest.mark.jail


@pytest.fixture
def homeless(tmp_path: Path) -> Iterator[tuple[Zygote, Path]]:
    """A zygote at level A, and the folder in which its jails are built."""
    if probe().level != "A":
        pytest.skip("only jails of level A need a folder")
    folder = tmp_path / "temporary"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(folder))
        with Zygote.start(level="A", preload=("numpy", "torch", *PRELOAD)) as zygote:
            yield zygote, folder


def test_it_is_refused_and_nobody_is_graded(homeless: tuple[Zygote, Path]) -> None:
    zygote, folder = homeless
    examiner = Examiner(LAB, zygote=zygote, seed="test")
    cells = reference_cells(LAB)
    assert examiner.judge(cells).points == examiner.judge(cells).max_points
    shutil.rmtree(folder)
    try:
        with pytest.raises(EnvironmentRefused, match="could not be built") as refused:
            examiner.judge(cells)
        assert refused.value.exit_code == 3
        with pytest.raises(EnvironmentRefused, match="could not be built"):
            judge(cells, LAB, zygote=zygote, seed="test")
    finally:
        examiner.close()
