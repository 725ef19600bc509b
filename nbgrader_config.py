"""nbgrader's configuration of a course: the judge grades, everything else stays nbgrader's."""

c = get_config()  # noqa: F821  (nbgrader defines it)
# Nothing may run a student's code outside the sandbox, not even when the next line fails.
c.Autograde.autograde_preprocessors = []

from autograder.grading import configure  # noqa: E402

configure(c, __file__)
