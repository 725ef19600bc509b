"""What a student has done in one lab: checks passed, hints read. One small JSON file.

It stands beside the notebook and holds no date and no name. It decides nothing: a damaged or
missing file only means that the counting starts again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autograder.files import write_atomically
from autograder.judge.verdict import Status, Verdict

FILE = ".labkit-progress.json"


class Progress(BaseModel):
    """The content of the file."""

    model_config = ConfigDict(extra="ignore")

    version: Literal[1] = 1
    lab: str
    checked: dict[str, Status] = Field(default_factory=dict[str, Status])
    """Each exercise's latest check."""
    hints: dict[str, int] = Field(default_factory=dict[str, int])
    """How many hints of each exercise have been shown, 0 to 3."""

    def passed(self) -> set[str]:
        """Exercises whose latest check passed."""
        return {name for name, status in self.checked.items() if status == "passed"}


def read_progress(folder: Path, lab: str) -> Progress:
    """The progress of `lab` kept in `folder`; a new one when there is none that can be read."""
    try:
        progress = Progress.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return Progress(lab=lab)
    return progress if progress.lab == lab else Progress(lab=lab)


def save_progress(folder: Path, progress: Progress) -> None:
    """Write the file. A folder that cannot be written to loses the progress, not the check."""
    text = json.dumps(progress.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
    try:
        write_atomically(folder / FILE, text.encode())
    except OSError:
        return


def record(folder: Path, verdict: Verdict) -> Progress:
    """Add a check's verdicts to the progress kept in `folder`, and return all of it."""
    progress = read_progress(folder, verdict.lab)
    for exercise in verdict.exercises:
        progress.checked[exercise.exercise] = exercise.status
    save_progress(folder, progress)
    return progress
