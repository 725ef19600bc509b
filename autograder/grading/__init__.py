"""Grading with nbgrader in charge and the judge in nbgrader's place of execution.

`configure` is what a course's `nbgrader_config.py` calls; `grade_lab` is `labkit grade`.
"""

from autograder.grading.batch import Graded, grade_lab
from autograder.grading.configure import configure

__all__ = ["Graded", "configure", "grade_lab"]
