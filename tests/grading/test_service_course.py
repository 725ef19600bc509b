"""A course whose lab trains, graded at each level and without a sandbox: gradebook and ledger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.build.source import source_notebook
from autograder.course_init import init_course
from autograder.grading import grade_lab, gradebook, session
from autograder.grading.session import Session
from autograder.lab import load_spec
from autograder.sandbox import client, door
from autograder.sandbox.probe import probe

pytestmark = [pytest.mark.jail, pytest.mark.slow]

LAB = Path(__file__).parents[1] / "judge" / "labs" / "lab92_service"
NOTES = {"A": [], "B": [door.WEAKER], "trusted": []}


@pytest.mark.parametrize("level", NOTES)
def test_training_is_graded_and_the_ledger_has_level_and_budget(
    level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = probe().level
    if level != "trusted" and (offered is None or (level == "A" and offered != "A")):
        pytest.skip(f"this kernel offers level {offered}")
    monkeypatch.setattr(Session, "level", level)
    monkeypatch.setattr(client, "PRELOAD", ("torch", "tinker"))  # all that this lab imports
    shutil.copytree(LAB, tmp_path / "solutions" / LAB.name)
    course = init_course(tmp_path / "course", seed="a seed", solutions=tmp_path / "solutions")
    solved: Any = source_notebook(LAB)
    path = course.submitted("ada", LAB.name) / f"{LAB.name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(solved))
    try:
        (result,) = grade_lab(course, LAB.name, trust=level == "trusted")
    finally:
        session.close_sessions()
    assert result.error is None
    assert gradebook.automatic_points(course, LAB.name) == {"ada": {"train": 3.0, "double": 1.0}}
    (line,) = ledger.read(course.ledger_path)
    service = load_spec(LAB).service
    assert service is not None
    assert line["level"] == level
    assert line["service"] == service.model_dump(mode="json")
    assert (line["service"]["tokens"], line["service"]["steps"]) == (400, 6)
    assert (line["notes"], line["incidents"]) == (NOTES[level], {})
