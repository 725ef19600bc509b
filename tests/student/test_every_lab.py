"""The reference of every lab passes its public checks, from a cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.notebook import reference_cells

LABS = sorted(p.parent.name for p in Path(__file__).parents[2].glob("solutions/*/checks.py"))


@pytest.mark.parametrize("lab", LABS)
def test_the_reference_passes(repository: Path, tmp_path: Path, lab: str) -> None:
    answers = {cell.id: cell.source for cell in reference_cells(repository / "solutions" / lab)}
    path = tmp_path / f"{lab}.ipynb"
    notebook = json.loads((repository / "labs" / lab / path.name).read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(notebook), encoding="utf-8")
    code = "from autograder.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", lab], cwd=tmp_path, env=dict(os.environ),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
