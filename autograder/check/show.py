"""A check's outcome as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass

from autograder.errors import CheckFailed
from autograder.judge.feedback import as_text
from autograder.judge.verdict import Verdict

LINED_UP = "font-family: monospace; white-space: pre-wrap; word-break: normal"
"""Said in the element: some notebook themes set `pre` in another font, and columns fall apart, or
break words anywhere."""
HANGING = "display: block; padding-left: 14ch; text-indent: -14ch; overflow-wrap: anywhere"
"""A line that is too long goes on below its own text, not below the labels."""


@dataclass(frozen=True, repr=False)
class Checked:
    """What `check("merge")` returns: printed as text, shown as HTML in a notebook."""

    verdict: Verdict
    closing: str = ""
    """What to do next, when everything passed."""

    @property
    def passed(self) -> bool:
        """Whether every exercise checked passed."""
        return all(e.status == "passed" for e in self.verdict.exercises)

    def __repr__(self) -> str:
        return "\n".join(self._blocks())

    def _repr_html_(self) -> str:
        """One block an exercise; everything is escaped, so nothing of the student's is markup."""
        parts: list[str] = []
        for block in self._blocks():
            head, _, rest = block.partition("\n")
            parts.append(f"<p><strong>{html.escape(head)}</strong></p>")
            if rest:
                lines = "".join(_line(line) for line in rest.split("\n"))
                parts.append(f'<pre style="{LINED_UP}">{lines}</pre>')
        return "".join(parts)

    def _blocks(self) -> list[str]:
        blocks = [as_text(exercise, points=False) for exercise in self.verdict.exercises]
        blocks += [f"Note: {note}" for note in self.verdict.notes]
        return [*blocks, self.closing] if self.closing else blocks


@dataclass(frozen=True, repr=False)
class NotChecked:
    """Why nothing could be checked, in one or two sentences."""

    reason: str
    passed: bool = False

    def __repr__(self) -> str:
        return self.reason

    def _repr_html_(self) -> str:
        """The reason, escaped."""
        return f"<p><strong>{html.escape(self.reason)}</strong></p>"


class NotPassed(CheckFailed):
    """A check that did not pass, where only an error says so. Its traceback is its text."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback, line by line."""
        return str(self).splitlines()


def _line(text: str) -> str:
    return f'<span style="{HANGING}">{html.escape(text)}</span>'
