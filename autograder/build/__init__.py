"""From a lab's one source to what students get: notebook, checks, description, figures.

    solutions/LAB --source_notebook--> nbgrader's source --generate--> labs/LAB/LAB.ipynb
    labs/ shared/ autograder/ --write_kit--> a folder to give to students

The same input gives the same bytes. Nothing hidden passes through here but the solutions, which
nbgrader's own step cuts.
"""

from autograder.build.drift import Drift, drift, replace_folder
from autograder.build.kit import write_kit
from autograder.build.release import build, build_all, check_release, generate
from autograder.build.source import notebook_text, source_notebook

__all__ = [
    "Drift",
    "build",
    "build_all",
    "check_release",
    "drift",
    "generate",
    "notebook_text",
    "replace_folder",
    "source_notebook",
    "write_kit",
]
