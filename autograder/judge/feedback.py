"""A verdict as a student reads it: terminal text or markdown, at most 12 lines an exercise.

Calls, answers and error messages may hold anything a student wrote. In the verdict they are
already printable and bounded; here they also become inert as markdown and HTML.
"""

from __future__ import annotations

from autograder.judge.text import LONG, plain
from autograder.judge.verdict import RAISED, ExerciseVerdict, Status

MAX_LINES = 12
_ERROR_LINES = 4

UNPAID = "Some cases pass, but they are about details. Those count as soon as the main cases pass."
MARKS: dict[Status, str] = {
    "passed": "✓",
    "failed": "✗",
    "error": "✗",
    "timeout": "✗",
    "not attempted": "·",
}
WORDS: dict[Status, str] = {
    "passed": "passed",
    "failed": "not right yet",
    "error": "stopped with an error",
    "timeout": "took too long",
    "not attempted": "not attempted",
}


def as_text(verdict: ExerciseVerdict, *, points: bool = True) -> str:
    """Plain text for a terminal, without colours. `points=False` leaves the marks out."""
    head = f"{MARKS[verdict.status]} {verdict.exercise}: {WORDS[verdict.status]}"
    if points:
        head += f" ({_points(verdict)})"
    facts = [(label, text) for label, text in _facts(verdict) if points or label != POINTS]
    lines = [f"    {label:<9} {plain(text, LONG)}" for label, text in facts]
    error = [f"    {plain(line, LONG)}" for line in _error_lines(verdict)]
    return "\n".join([head, *_told(verdict, lines, error)])


def as_markdown(verdict: ExerciseVerdict) -> str:
    """Markdown for a notebook's output or nbgrader's feedback page; every value is inert."""
    head = f"**{MARKS[verdict.status]} {WORDS[verdict.status]}** · {_points(verdict)}"
    lines = [
        f"- {label}: {_code(text) if label in _CODE else _prose(text)}"
        for label, text in _facts(verdict)
    ]
    error = [f"- {_code(line)}" for line in _error_lines(verdict)]
    body = _told(verdict, lines, error)
    return "\n".join([head, "", *body] if body else [head])


_CODE = ("call", "expected", "got", "where")


POINTS = "points"


def _points(verdict: ExerciseVerdict) -> str:
    return f"{verdict.points:g} of {verdict.max_points:g} points"


def _facts(verdict: ExerciseVerdict) -> list[tuple[str, str]]:
    facts: list[tuple[str, str | None]] = []
    if verdict.counterexample is not None:
        example = verdict.counterexample
        facts += [("call", example.call), ("expected", example.expected), ("got", example.got)]
        facts += [("where", example.where)]
    if verdict.cases_passed and not verdict.points:
        facts += [(POINTS, UNPAID)]
    facts += [("cause", verdict.diagnosis), ("next", verdict.next_step)]
    return [(label, text) for label, text in facts if text]


def _error_lines(verdict: ExerciseVerdict) -> list[str]:
    """The error, without its first line where that stands behind `got` already."""
    lines = (verdict.error or "").splitlines()[:_ERROR_LINES]
    example = verdict.counterexample
    told = example is not None and example.got.startswith(RAISED)
    return lines[1:] if told else lines


def _told(verdict: ExerciseVerdict, facts: list[str], error: list[str]) -> list[str]:
    """The facts with the error between the call and the advice; some lines stay free."""
    advice = sum(bool(text) for text in (verdict.diagnosis, verdict.next_step))
    cut = len(facts) - advice
    return [*facts[:cut], *error, *facts[cut:]][: MAX_LINES - 2]


def _code(text: str) -> str:
    """`text` in a code element; entities also for what markdown or a template would read."""
    return f"<code>{_inert(text)}</code>"


def _prose(text: str) -> str:
    return _inert(text)


def _inert(text: str) -> str:
    """Entities for everything that HTML, markdown, a template or MathJax would read."""
    return "".join(_entity(character) for character in plain(text, LONG))


def _entity(character: str) -> str:
    harmless = character.isalnum() or character in " ,"
    return character if harmless else f"&#{ord(character)};"
