"""A `labkit grade` that is killed while it writes its ledger: run by `test_course.py`.

Arguments: the course folder, the lab, the sandbox level, and how many lines may be written first.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from autograder import ledger
from autograder.course import Course
from autograder.grading import grade_lab
from autograder.grading.session import Session
from autograder.sandbox import client


def main() -> None:
    root, lab, level, lines = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    Session.level = level  # type: ignore[assignment]
    client.PRELOAD = ("numpy", "torch")
    append = ledger.append

    def counted(path: Path, entry: Any) -> bool:
        if len(ledger.read(path)) >= lines:
            os.kill(os.getpid(), signal.SIGKILL)
        return append(path, entry)

    ledger.append = counted
    grade_lab(Course.load(root), lab, jobs=2)


main()
