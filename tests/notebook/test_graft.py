"""What is graded is the pristine release with the student's answers, whatever else was done."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest

from autograder.errors import NotebookError
from autograder.notebook import Grafted, Node, graft
from autograder.notebook.student import MAX_OWN_CELLS, MAX_SOURCE, UNREADABLE_NAMED

Find = Callable[[Node, str], Node]
DOUBLE = "def double(x):\n    return x + x"
STUB = "raise NotImplementedError("


def ids(grafted: Grafted) -> list[str]:
    return [cell.id for cell in grafted.cells]


def source(grafted: Grafted, key: str) -> str:
    return next(cell.source for cell in grafted.cells if cell.id == key)


def own(text: str, **more: object) -> Node:
    return Node(cell_type="code", id="abc123", metadata={}, source=text, outputs=[], **more)


def test_an_untouched_release_stays_what_it_is(release: Node) -> None:
    grafted = graft(release, release)
    assert ids(grafted) == ["setup", "double", "setup_2", "total"]
    assert [c.kind for c in grafted.cells] == ["setup", "solution", "setup", "solution"]
    assert grafted.notes == ()
    assert grafted.missing == frozenset()
    assert grafted.node == release


def test_an_answer_is_put_into_its_cell(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = DOUBLE
    grafted = graft(student, release)
    assert source(grafted, "double") == DOUBLE
    assert grafted.notes == ()


def test_a_name_that_only_looks_right_is_noted(release: Node, student: Node, cell: Find) -> None:
    strange = DOUBLE.replace("double", "dоuble")  # noqa: RUF001
    cell(student, "double").source = strange
    (note,) = graft(student, release).notes
    assert note.startswith("Cell double defines dоuble, which is not double: letter 2 is CYRILLIC")  # noqa: RUF001
    student.cells.insert(3, own(DOUBLE))
    assert graft(student, release).notes == ()


def test_the_grafted_notebook_is_valid_for_nbformat(
    release: Node, student: Node, cell: Find
) -> None:
    cell(student, "double").source = DOUBLE
    student.cells.insert(3, own("helper = 1"))
    notebook = graft(student, release).notebook
    assert isinstance(notebook, nbformat.NotebookNode)
    nbformat.validate(notebook)
    assert cell(Node(notebook), "your-cell-1").source == "helper = 1"


def test_edited_setup_is_ignored_with_a_note(release: Node, student: Node, cell: Find) -> None:
    cell(student, "setup").source = "ZERO = 1"
    grafted = graft(student, release)
    assert source(grafted, "setup") == "import math\n\nZERO = 0"
    assert "Cell setup was changed" in grafted.notes[0]


def test_edited_points_ids_and_locks_are_ignored(release: Node, student: Node, cell: Find) -> None:
    check = cell(student, "check_double")
    check.metadata["nbgrader"]["points"] = 1000
    check.source = "1 + 1"
    check.metadata["nbgrader"]["locked"] = False
    cell(student, "double").id = "something-else"
    student.metadata = Node(labkit=Node(lab="lab00_tiny"), evil=True)
    assert graft(student, release).node == release


def test_cells_are_found_by_id_when_their_metadata_is_gone(
    release: Node, student: Node, cell: Find
) -> None:
    cell(student, "double").source = DOUBLE
    for c in student.cells:
        c.metadata = Node()
    grafted = graft(student, release)
    assert source(grafted, "double") == DOUBLE
    assert ids(grafted) == ["setup", "double", "setup_2", "total"]


def test_moved_cells_run_in_the_labs_order(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = DOUBLE
    student.cells.reverse()
    grafted = graft(student, release)
    assert ids(grafted) == ["setup", "double", "setup_2", "total"]
    assert grafted.notes == ("Solution cells were moved; they were run in the lab's order.",)


def test_a_missing_cell_is_the_stub_again(release: Node, student: Node, cell: Find) -> None:
    student.cells.remove(cell(student, "double"))
    grafted = graft(student, release)
    assert STUB in source(grafted, "double")
    assert grafted.missing == {"double"}
    assert "Cell double is missing" in grafted.notes[0]


@pytest.mark.parametrize("place", [0, 3, -1])
def test_a_missing_cell_may_be_made_up_for_by_an_own_cell(
    release: Node, student: Node, cell: Find, place: int
) -> None:
    student.cells.remove(cell(student, "double"))
    student.cells.insert(place, own(DOUBLE))
    grafted = graft(student, release)
    assert "double" not in ids(grafted)
    assert source(grafted, "your-cell-1") == DOUBLE
    assert grafted.missing == frozenset()
    assert "your own cell counts" in grafted.notes[0]


def test_an_own_cell_also_counts_beside_the_untouched_stub(release: Node, student: Node) -> None:
    student.cells.insert(0, own(DOUBLE))
    grafted = graft(student, release)
    assert "double" not in ids(grafted)


def test_of_doubled_cells_the_last_worked_on_counts(
    release: Node, student: Node, cell: Find
) -> None:
    index = student.cells.index(cell(student, "double"))
    stub = student.cells[index]
    first, second = Node(stub, source=DOUBLE), Node(stub, source=DOUBLE + "  # better")
    student.cells[index : index + 1] = [first, second, stub]
    grafted = graft(student, release)
    assert source(grafted, "double").endswith("# better")
    assert ids(grafted).count("double") == 1
    assert "Cell double is there 3 times" in grafted.notes[0]


def test_a_split_cell_counts_with_the_part_that_defines_the_function(
    release: Node, student: Node, cell: Find
) -> None:
    index = student.cells.index(cell(student, "double"))
    student.cells.insert(index + 1, Node(student.cells[index], source="print('tried')"))
    student.cells[index].source = DOUBLE
    assert source(graft(student, release), "double") == DOUBLE


def test_a_retyped_cell_is_read_as_code(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").update(cell_type="markdown", source=DOUBLE)
    grafted = graft(student, release)
    assert source(grafted, "double") == DOUBLE
    assert grafted.notes == ("Cell double was turned into a text cell; it was read as code.",)
    assert cell(grafted.node, "double").cell_type == "code"


def test_a_written_answer_is_kept_even_as_code(release: Node, student: Node, cell: Find) -> None:
    cell(student, "explain_zero").update(cell_type="code", source="Because.")
    grafted = graft(student, release)
    assert cell(grafted.node, "explain_zero").source == "Because."
    assert cell(grafted.node, "explain_zero").cell_type == "markdown"
    assert "explain_zero" not in ids(grafted)


def test_an_emptied_cell_is_the_stub_again(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = " \n"
    assert STUB in source(graft(student, release), "double")


def test_own_cells_keep_their_place(release: Node, student: Node, cell: Find) -> None:
    student.cells.insert(0, own("a = 0"))
    student.cells.insert(student.cells.index(cell(student, "total")), own("b = 0"))
    student.cells.append(own("c = 0"))
    grafted = graft(student, release)
    assert ids(grafted) == [
        "your-cell-1", "setup", "double", "setup_2", "your-cell-2", "total", "your-cell-3",
    ]  # fmt: skip
    assert [c.kind for c in grafted.cells if c.id.startswith("your")] == ["helper"] * 3


@pytest.mark.parametrize(
    "extra",
    [
        own('check("double")'),
        own("NUMBERS = [1.0, 2.0, 3.0]"),
        own("plot = 1") | {"metadata": {"tags": ["demo"]}},
        own("x = 1") | {"cell_type": "markdown"},
    ],
    ids=["calls only", "a copy of a lab's cell", "a demo", "text"],
)
def test_cells_that_define_nothing_of_the_students_do_not_run(
    release: Node, student: Node, extra: Node
) -> None:
    student.cells.append(extra)
    assert ids(graft(student, release)) == ["setup", "double", "setup_2", "total"]


def test_demos_and_checks_never_run(release: Node, student: Node, cell: Find) -> None:
    cell(student, "demo-1").source = "x = open('/etc/passwd')"
    cell(student, "check_double").source = "x = 1"
    cell(student, "tools-1").source = "check = print"
    assert graft(student, release).cells == graft(release, release).cells


def test_a_syntax_error_passes_through(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = "def double(x:\n  return"
    grafted = graft(student, release)
    assert source(grafted, "double") == "def double(x:\n  return"
    assert len(grafted.cells) == 4


def test_cells_that_are_no_cells_are_left_out_with_a_note(release: Node, student: Node) -> None:
    student.cells[3:3] = [5, None, {}, {"cell_type": "code"}, {"cell_type": "code", "source": 3}]
    grafted = graft(student, release)
    assert grafted.cells == graft(release, release).cells
    assert grafted.notes[0] == "Cell number 4 could not be read and was left out."
    assert len(grafted.notes) == 5


def test_sources_in_lines_are_read(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = ["def double(x):\n", "    return x + x"]
    assert source(graft(student, release), "double") == DOUBLE


def test_half_a_surrogate_pair_can_be_encoded_afterwards(
    release: Node, student: Node, cell: Find
) -> None:
    cell(student, "double").source = DOUBLE + "  # \ud800"
    source(graft(student, release), "double").encode()


def test_another_lab_is_refused_by_both_names(release: Node, student: Node) -> None:
    for c in student.cells:
        c.metadata, c.id = Node(), "x" + c.id
    student.metadata["labkit"] = {"lab": "lab99_other"}
    with pytest.raises(NotebookError, match="is from lab99_other; one of lab00_tiny is expected"):
        graft(student, release)


@pytest.mark.parametrize("cells", [[], [own("x = 1")], None, 5])
def test_a_notebook_without_the_labs_cells_is_refused(release: Node, cells: object) -> None:
    with pytest.raises(NotebookError, match="belongs to lab00_tiny"):
        graft({"nbformat": 4, "cells": cells}, release)


def test_setup_alone_does_not_make_it_this_lab(release: Node, student: Node, cell: Find) -> None:
    student.cells = [cell(student, "setup")]
    with pytest.raises(NotebookError):
        graft(student, release)


def test_the_release_is_never_changed(release: Node, student: Node, cell: Find) -> None:
    cell(student, "double").source = DOUBLE
    before = repr(release)
    node = graft(student, release).node
    node.cells[0]["metadata"]["new"] = 1
    node.metadata["labkit"]["lab"] = "changed"
    assert repr(release) == before


def test_a_flood_of_cells_makes_few_notes_and_few_cells(release: Node, student: Node) -> None:
    student.cells += [None] * 1000 + [own("x = '" + "x" * MAX_SOURCE + "'")]
    student.cells += [own(f"x{n} = {n}") for n in range(MAX_OWN_CELLS + 7)]
    grafted = graft(student, release)
    assert len(grafted.notes) == UNREADABLE_NAMED + 2
    assert grafted.notes[-2] == "996 more cells like these were left out."
    assert grafted.notes[-1].startswith("7 cells of your own were left out")
    assert sum(cell.kind == "helper" for cell in grafted.cells) == MAX_OWN_CELLS
