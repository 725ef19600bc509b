"""A student at the keyboard of JupyterLab: opens a lab, types answers, runs cell after cell.

Cells are chosen, opened and run with keys alone. A line's text comes at once, as from an input
method: key by key, a lab takes minutes. What came out is read from the saved file.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, Request, expect

from autograder.notebook import reference_cells

STUB = re.compile(r"^( *)raise NotImplementedError\(.*\)$")
MARKED = re.compile(r"(?ms)^ *### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION$")
CELL = ".jp-Notebook .jp-Cell"
LONG = 180_000
"""Milliseconds that a cell may take: some train a model."""


def solutions(lab: Path) -> dict[str, list[list[str]]]:
    """What stands between solution marks, as lines, for each solution cell of a lab's source."""
    return {
        cell.id: [part.splitlines() for part in MARKED.findall(cell.source)]
        for cell in reference_cells(lab)
        if cell.kind == "solution"
    }


def listens(sessions: list[dict[str, Any]]) -> bool:
    """Whether the only notebook of a server has a kernel that is idle and has been connected to."""
    kernels = [session["kernel"] for session in sessions]
    return [(k["execution_state"], k["connections"] > 0) for k in kernels] == [("idle", True)]


def writes_notebook(request: Request) -> bool:
    """Whether a request of the page saves the notebook, and not something else."""
    return request.method == "PUT" and "/api/contents/" in request.url


@dataclass(frozen=True)
class Student:
    """Somebody who works in one notebook, at `path`, that is open in `page`."""

    page: Page
    path: Path
    screens: Path

    def read(self) -> Any:
        """The notebook as it is on disk."""
        return nbformat.read(self.path, as_version=4)

    def open(self, address: str) -> None:
        """Open the notebook and go to its first cell."""
        self.page.goto(f"{address}lab/tree/{self.path.parent.name}/{self.path.name}")
        self.page.locator(CELL).first.wait_for(timeout=60_000)
        self.expect_kernel(address)
        news = self.page.get_by_role("button", name="No", exact=True)
        news.wait_for()
        news.click()
        self.page.locator(f"{CELL} .jp-InputPrompt").first.click()
        self.page.keyboard.press("Control+Home")

    def expect_kernel(self, address: str) -> None:
        """Wait until the page has a kernel that listens; before, cells are dropped and not run.

        The page alone does not tell: its indicator says "idle" before it knows of any kernel.
        """
        end = time.monotonic() + 60
        while not listens(self.page.request.get(f"{address}api/sessions").json()):
            assert time.monotonic() < end, "no kernel after a minute"
            self.page.wait_for_timeout(250)
        indicator = self.page.locator(".jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle", timeout=60_000)

    def solve(self, source: str, answers: list[list[str]]) -> None:
        """Replace each "not implemented" of the selected cell, which holds `source`."""
        stubs = [at for at, line in enumerate(source.split("\n")) if STUB.match(line)]
        assert len(stubs) == len(answers)
        keyboard = self.page.keyboard
        self.begin_typing()
        for at, answer in reversed([*zip(stubs, answers, strict=True)]):
            keyboard.press("Control+Home")
            for _ in range(at):
                keyboard.press("ArrowDown")
            keyboard.press("End")
            for number, line in enumerate(answer):
                if number:
                    keyboard.press("Enter")
                # From the first letter of what is there; where the editor only indented, from the
                # start of the line.
                keyboard.press("Shift+Home")
                keyboard.insert_text(line if number else line.lstrip())

    def begin_typing(self) -> None:
        """Enter, and wait until keys go to the selected cell's editor.

        On a busy machine they are commands to the notebook until then.
        """
        self.page.keyboard.press("Enter")
        expect(self.page.locator(f"{CELL}.jp-mod-selected .cm-focused")).to_be_visible()

    def write(self, text: str) -> None:
        """Type over all of the selected cell."""
        self.begin_typing()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, cell: int, *, code: bool) -> None:
        """Shift+Enter on the selected cell, and wait until it is done."""
        self.expect_selected(cell)
        self.page.keyboard.press("Shift+Enter")
        self.expect_selected(cell + 1)
        if code:
            prompt = self.page.locator(CELL).nth(cell).locator(".jp-InputPrompt")
            expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=LONG)

    def expect_selected(self, cell: int) -> None:
        """Wait until the keys go to this cell."""
        selected = re.compile(r"\bjp-mod-selected\b")
        expect(self.page.locator(CELL).nth(cell)).to_have_class(selected, timeout=30_000)

    def save(self) -> Any:
        """Ctrl+S; the notebook that was saved.

        JupyterLab also sends its layout, at moments of its own.
        """
        with self.page.expect_request(writes_notebook) as begun:
            self.page.keyboard.press("Control+s")
        answer = begun.value.response()
        assert answer is not None and answer.ok
        return self.read()

    def look(self, cell: int) -> None:
        """A screenshot of a cell, from its top."""
        self.page.locator(CELL).nth(cell).scroll_into_view_if_needed()
        self.page.screenshot(path=self.screens / f"{cell:02}.png")
