"""Every error a command may end with, and the exit code it ends with.

    LabkitError (2)            wrong usage or unreadable input
    +-- LabError (2)           a lab's source is wrong or missing
    +-- NotebookError (2)      a notebook cannot be read as the lab it should be
    +-- CourseError (2)        a course folder is missing, damaged or locked
    +-- CheckFailed (1)        the answer is "no": checks failed, drift found
    +-- EnvironmentRefused (3) this machine cannot do it: no sandbox, no model

Exit code 0 is success. The text of an error says what came, what was expected and what to do.
"""


class LabkitError(Exception):
    """Wrong usage or unreadable input. `exit_code` is what the command line returns."""

    exit_code = 2


class LabError(LabkitError, ValueError):
    """A lab's source (`lab.yml`, `notebook.py`, `mistakes/`) is missing or inconsistent."""


class NotebookError(LabkitError, ValueError):
    """A notebook cannot be read as the lab it should be."""


class CourseError(LabkitError, OSError):
    """A course folder is missing, damaged or in use by another process."""


class CheckFailed(LabkitError):
    """The command worked and its answer is "no": checks failed, drift was found."""

    exit_code = 1


class EnvironmentRefused(LabkitError, RuntimeError):
    """This machine lacks what the command needs (a sandbox primitive, a model)."""

    exit_code = 3
