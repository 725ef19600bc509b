"""`check` in a running notebook: the kernel's executed sources, grafted like a saved notebook.

The sources that were run count, not those on screen: that is what the student sees work. A cell
run twice counts as it was run last. Which cell a source came from is known from the front end's
cell id where it sends one, else from the saved notebook, else from the names the source defines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autograder.check.show import Checked, NotChecked
from autograder.errors import LabkitError, NotebookError
from autograder.notebook import Node, definitions, graft, read_notebook, read_release
from autograder.notebook.student import ReleaseCell, release_cells, student_work

_cell_ids: dict[str, str] = {}
"""Cell id of each source that the kernel has run since `autograder.check` was imported."""


def follow(shell: Any) -> None:
    """Note the cell id of every source that `shell` runs from now on."""

    def note(info: Any) -> None:
        if info.cell_id:
            _cell_ids[info.raw_cell] = info.cell_id

    shell.events.register("pre_run_cell", note)


def executed_sources() -> list[str]:
    """Every source this kernel has run, oldest first; none outside a kernel."""
    try:
        from IPython import get_ipython  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return []
    shell: Any = get_ipython()  # pyright: ignore[reportUnknownVariableType]
    return [] if shell is None else [str(s) for s in shell.history_manager.input_hist_raw[1:]]


def check_here(exercise: str) -> Checked | NotChecked:
    """Check `exercise` of this folder's lab: `Checked`, or `NotChecked` with the reason."""
    from autograder.check.find import lab_here
    from autograder.check.run import run_checks
    from autograder.lab import load_spec
    from autograder.progress import record

    folder = Path.cwd()
    try:
        lab_dir = lab_here(folder)
        spec = load_spec(lab_dir)
        spec.exercise(exercise)
        release = read_release(lab_dir)
        notebook = executed_notebook(executed_sources(), release, _saved(folder, spec.name))
        grafted = graft(notebook, release)
        if exercise in grafted.missing:
            return NotChecked(f"Run the cell that defines {exercise} first, then this one again.")
        names = [note for note in grafted.notes if note.startswith(f"Cell {exercise} defines ")]
        verdict = run_checks(grafted.cells, lab_dir, [exercise], notes=names)
    except LabkitError as error:
        return NotChecked(str(error))
    progress = record(folder, verdict)
    left = [e.name for e in spec.exercises if e.name not in progress.passed()]
    short = spec.name.split("_")[0]
    closing = "" if left else f"Every exercise passes its checks. Next: labkit submit {short}"
    return Checked(verdict, closing)


def executed_notebook(sources: Sequence[str], release: Node, saved: Node | None = None) -> Node:
    """A notebook of the cells that were run, in the release's order, each as it was run last."""
    lab = release_cells(release)
    keys = _saved_keys(saved, lab)
    groups: dict[str, dict[str, str]] = {key: {} for key in ["", *lab]}
    answers: dict[str, str] = {}
    anchor = ""
    for source in sources:
        key = _key(source, lab, keys)
        if key is None:
            for group in groups.values():
                group.pop(_identity(source), None)
            groups[anchor][_identity(source)] = source
        else:
            anchor = key
            answers[key] = _later(answers.get(key), source, lab[key])
    cells: list[Node] = []
    for key, own in groups.items():
        if key in answers:
            cells.append(Node(cell_type="code", id=key, source=answers[key]))
        elif key and lab[key].kind == "check":  # never runs; says which lab this is
            cells.append(Node(cell_type="code", id=key, source=lab[key].source))
        cells += [Node(cell_type="code", source=source) for source in own.values()]
    return Node(nbformat=4, metadata=release.get("metadata", {}), cells=cells)


def _identity(source: str) -> str:
    """What makes two runs runs of the same cell of the student's own."""
    return _cell_ids.get(source) or source


def _key(source: str, lab: dict[str, ReleaseCell], saved: dict[str, str]) -> str | None:
    """The release cell that `source` is a version of; None for a cell of the student's own."""
    known = _cell_ids.get(source)
    if known in lab:
        return known
    if source.strip() in saved:
        return saved[source.strip()]
    names = definitions(source)
    solutions = [cell for cell in lab.values() if cell.kind == "solution"]
    found = [cell.key for cell in solutions if names & definitions(cell.source)]
    return found[0] if len(found) == 1 else None


def _later(before: str | None, source: str, cell: ReleaseCell) -> str:
    """The last run counts, unless it defines nothing where an earlier one did."""
    names = definitions(cell.source)
    if before is not None and names & definitions(before) and not names & definitions(source):
        return before
    return source


def _saved(folder: Path, name: str) -> Node | None:
    try:
        return read_notebook(folder / f"{name}.ipynb")
    except NotebookError:
        return None


def _saved_keys(saved: Node | None, lab: dict[str, ReleaseCell]) -> dict[str, str]:
    """Release cells by their source in the saved notebook and in the release."""
    work = student_work(saved, lab).of_release if saved is not None else {}
    versions: Iterable[tuple[str, str]] = [
        *((cell.source, key) for key, cell in lab.items() if cell.code),
        *((cell.source, key) for key, cells in work.items() for cell in cells),
    ]
    return {source.strip(): key for source, key in versions if source.strip()}
