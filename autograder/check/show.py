"""A check's outcome as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass

from autograder.judge.feedback import as_text
from autograder.judge.verdict import Verdict

LINED_UP = "font-family: monospace; white-space: pre-wrap"
"""Said in the element: some notebook themes set `pre` in another font, and columns fall apart."""


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
                parts.append(f'<pre style="{LINED_UP}">{html.escape(rest)}</pre>')
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
