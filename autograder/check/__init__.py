"""The student's check: the public cases on their own code, in a plain child process.

    from autograder.check import check
    check("merge")                      # in a notebook cell; `labkit check LAB merge` does the same

No jail here: it is the student's own code on the student's own machine. A time limit holds, and
Tinker is always the embedded service, so that a check never costs money.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.check.show import Checked, NotChecked

__all__ = ["check"]


def check(exercise: str) -> Checked | NotChecked:
    """Check one exercise with the cells you have run in this notebook.

    The result is shown below the cell and saved as your progress. It never raises for a wrong
    answer, so that "Run all cells" goes on. The button "Validate" is an exception.

    Args:
        exercise: Its name, such as "merge".

    Raises:
        NotPassed: it did not pass, and nbgrader is validating: that takes a cell without an error
            for a right answer.
    """
    from autograder.check.session import check_here
    from autograder.check.show import NotPassed

    checked = check_here(exercise)
    if not checked.passed and os.environ.get("NBGRADER_EXECUTION") == "validate":
        raise NotPassed(repr(checked))
    return checked


def _follow_kernel() -> None:
    """In a kernel, note which cell each run source came from; elsewhere do nothing."""
    module: Any = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is not None:
        from autograder.check.session import follow

        follow(shell)


_follow_kernel()
