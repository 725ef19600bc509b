"""What holds for every lab's judge and public checks."""

from __future__ import annotations

import pytest

from .judging import Judging
from .page import LABS

every_judge = pytest.mark.parametrize("lab", [Judging(name) for name in LABS], ids=LABS)
both_files = pytest.mark.parametrize("file", ["judge.py", "checks.py"])


@every_judge
@both_files
def test_the_reference_passes_every_case(lab: Judging, file: str) -> None:
    found = lab.verdict(lab.reference, file=file)
    assert [e for e in found.exercises if e.status != "passed"] == []


@every_judge
@both_files
def test_the_stub_passes_no_case(lab: Judging, file: str) -> None:
    found = lab.verdict(lab.stub(), file=file)
    assert found.points == 0
    assert {e.status for e in found.exercises} == {"not attempted"}
    assert {e.cases_passed for e in found.exercises} == {0}


@every_judge
def test_every_exercise_has_three_public_cases(lab: Judging) -> None:
    found = lab.verdict(lab.reference, file="checks.py")
    assert [e for e in found.exercises if e.cases_total < 3] == []
