"""Notebooks as data: reading them safely, and putting a student's work onto the pristine release.

Nothing here runs code, and nothing here imports nbformat (a second of imports) before a real
`NotebookNode` is asked for: the student's check and every grading fork go through this package.
"""

from autograder.notebook.graft import Grafted, graft
from autograder.notebook.names import definitions
from autograder.notebook.node import Node, find_cell, grade_id_of, tags_of
from autograder.notebook.percent import (
    PercentCell,
    parse_percent,
    read_percent,
    reference_cells,
    replace_cell,
    source_of,
)
from autograder.notebook.read import (
    MAX_BYTES,
    lab_named,
    parse_notebook,
    read_notebook,
    read_release,
)

__all__ = [
    "MAX_BYTES",
    "Grafted",
    "Node",
    "PercentCell",
    "definitions",
    "find_cell",
    "grade_id_of",
    "graft",
    "lab_named",
    "parse_notebook",
    "parse_percent",
    "read_notebook",
    "read_percent",
    "read_release",
    "reference_cells",
    "replace_cell",
    "source_of",
    "tags_of",
]
