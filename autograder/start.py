"""Copying a released lab into a folder to work in. Work that is there is never touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from autograder.build.drift import files_below
from autograder.errors import LabkitError


def start_lab(lab_dir: Path, below: Path) -> Path:
    """Copy the released lab `lab_dir` to `below/LAB`; returns the notebook to open.

    Raises:
        LabkitError: it is there already, or `below` cannot be written.
    """
    target = below / lab_dir.name
    notebook = target / f"{lab_dir.name}.ipynb"
    if target.exists():
        raise LabkitError(
            f"{target} is there already and was left as it is. Go on in {notebook.name}; "
            "to start afresh, rename that folder first or choose another one with --dir."
        )
    try:
        below.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".labkit-start-", dir=below) as temporary:
            copy = Path(temporary) / lab_dir.name
            for name, source in files_below(lab_dir).items():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy / name)
            os.rename(copy, target)
    except OSError as error:
        raise LabkitError(f"{target} cannot be made: {error.strerror or error}.") from error
    return notebook
