"""What holds for every lab's page: it says what lab.yml says, and shows what is stored."""

from __future__ import annotations

import html
import re

import pytest

from autograder.notebook import source_of

from .page import LABS, ROOT, Page

every_page = pytest.mark.parametrize("page", [Page(name) for name in LABS], ids=LABS)


@every_page
def test_every_exercise_points_to_its_hint_and_its_check(page: Page) -> None:
    for name in page.spec.by_name:
        assert f"`labkit hint {page.short} {name}`" in page.prose
        assert f'check("{name}")' in page.code


@every_page
def test_the_page_says_the_minutes_of_lab_yml(page: Page) -> None:
    assert f"**{page.spec.minutes} minutes," in page.prose
    assert sum(e.minutes for e in page.spec.exercises) <= page.spec.minutes


@every_page
def test_every_exercise_says_its_points_and_minutes(page: Page) -> None:
    pattern = r"## Exercise (\d+): .*\n\n\*(\d+) points, about (\d+) minutes"
    stated = re.findall(pattern, page.prose)
    expected = [(n, e.points, e.minutes) for n, e in enumerate(page.spec.exercises, 1)]
    assert [tuple(map(int, one)) for one in stated] == expected


@every_page
def test_every_figure_exists_and_has_a_text_in_its_place(page: Page) -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page.prose)
    stored = {f"figures/{path.name}" for path in (page.lab / "figures").iterdir()}
    assert {path for _, path in images} == stored
    assert [path for text, path in images if len(text) < 60] == []


@every_page
def test_the_released_page_lists_every_mistake_in_the_words_of_the_feedback(page: Page) -> None:
    told = next(c.source for c in page.released.cells if "## Common mistakes" in c.source)
    sentences = [
        " ".join(source_of(path)[0].split())
        for name in page.spec.by_name
        for path in sorted((page.lab / "mistakes").glob(f"{name}__*.py"))
    ]
    listed = [html.unescape(line) for line in re.findall(r"^- (.*)$", told, re.MULTILINE)]
    assert sentences
    assert listed[-len(sentences) :] == sentences  # a lab may tell of more before
    assert "<!--" not in told


@every_page
def test_the_page_is_solved_in_jupyterlab(page: Page) -> None:
    """A file of tests for each lab: together they would keep one core busy for minutes."""
    tests = ROOT / "tests" / "browser" / f"test_{page.short}_in_jupyterlab.py"
    assert f'PAGE = Page("{page.name}")' in tests.read_text(encoding="utf-8")
