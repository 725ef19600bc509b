"""The list of common mistakes on a lab's page: the words of the feedback, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.build import source_notebook
from autograder.build.mistakes import MARK, with_mistakes
from autograder.errors import LabError
from autograder.lab import load_spec


def ask_for_the_list(source: Path) -> None:
    """Put a cell that asks for the list at the end of the tiny lab's notebook."""
    notebook = source / "notebook.py"
    cell = f"\n\n# %% [markdown]\n# ## Common mistakes\n#\n# {MARK}\n"
    notebook.write_text(notebook.read_text("utf-8").rstrip("\n") + cell, "utf-8")


def know_mistakes(source: Path, sentence: str) -> None:
    """One mistake for every exercise of the tiny lab that has none."""
    for exercise in load_spec(source).exercises:
        path = source / "mistakes" / f"{exercise.name}__of_this_test.py"
        path.write_text(f'"""{sentence}"""\n\n\ndef secret(): ...\n', "utf-8")


def test_the_page_has_the_sentence_of_each_mistake_and_no_code(source: Path) -> None:
    know_mistakes(source, "You forgot the <b>end</b>.")
    ask_for_the_list(source)
    page = source_notebook(source).cells[-1].source
    assert page.startswith("## Common mistakes\n")
    assert "- You squared the number: twice three is six, not nine." in page
    assert page.count("- You forgot the &lt;b&gt;end&lt;/b&gt;.") == 2
    assert "<summary><code>double</code>: Double a number</summary>" in page
    assert "secret" not in page
    assert MARK not in page


def test_an_exercise_without_mistakes_is_told(source: Path) -> None:
    ask_for_the_list(source)
    with pytest.raises(LabError, match="has none of total"):
        source_notebook(source)


def test_a_cell_that_does_not_ask_stays_as_it_is(source: Path) -> None:
    text = f"Write `{MARK}` where the list belongs."
    assert with_mistakes(text, load_spec(source), source) == text
