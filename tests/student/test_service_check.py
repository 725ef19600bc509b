"""`labkit check` of a lab that trains: a service on this machine, and nobody is billed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.check.run import run_checks
from autograder.notebook import reference_cells

LAB = Path(__file__).parents[1] / "judge" / "labs" / "lab92_service"

pytestmark = pytest.mark.slow


def test_a_check_trains_on_a_service_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "tml-of-a-real-account")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")  # a proxy that does not answer
    verdict = run_checks(reference_cells(LAB), LAB, ["train", "double"])
    assert [found.error for found in verdict.exercises] == [None, None]
    assert [found.status for found in verdict.exercises] == ["passed", "passed"]
    assert not any(os.scandir(tmp_path))  # no run is kept among the student's own
