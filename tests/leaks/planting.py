"""Plants a mark of its own in each kind of hidden text of a lab's copy, and lists its hidden code.

A mark stands at the end of every line of code, in names and in constants: whatever way a hidden
file gets out, in one piece or line by line, at least one of them goes with it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection
from pathlib import Path

import yaml

from tests.leaks import code
from tests.leaks.finder import Hidden

MARKS = {
    "zqmarkjudge": "a hidden case",
    "zqmarkreference": "the reference",
    "zqmarkmistake": "a known mistake",
    "zqmarksecond": "a mistake's second version",
    "zqmarkalternative": "an alternative",
    "zqmarkrubric": "a rubric",
    "zqmarkequivalent": "a note on a mutant",
}
_CODE = """
# {mark}: a comment
{mark}_constant = "{mark}"
def {mark}_function():
    {mark}_local = "{mark}"
    return {mark}_local
"""
_SOLUTION = re.compile(r"(?ms)^ *### BEGIN SOLUTION$.*?^ *### END SOLUTION$")


def plant(lab: Path) -> Hidden:
    """Put the marks into the lab's hidden files; what must not be found afterwards."""
    bodies = hidden_bodies(lab)
    for path in sorted(lab.rglob("*.py")):
        kind = _kind(lab, path)
        if kind is not None:
            text = path.read_text("utf-8") + _CODE.format(mark=kind)
            path.write_text(on_every_line(_in_names_and_snippets(text, kind), kind), "utf-8")
    _plant_in_reference(lab / "notebook.py")
    _plant_in_rubrics(lab / "lab.yml")
    equivalent = lab / "equivalent.yml"
    if equivalent.exists():
        equivalent.write_text(equivalent.read_text("utf-8") + "# zqmarkequivalent\n", "utf-8")
    return Hidden(MARKS, bodies)


def _kind(lab: Path, path: Path) -> str | None:
    parts = path.relative_to(lab).parts
    if parts[0].startswith("judge"):
        return "zqmarkjudge"
    if parts[0] == "mistakes":
        return "zqmarksecond" if "second" in parts else "zqmarkmistake"
    return "zqmarkalternative" if parts[0] == "alternatives" else None


def _in_names_and_snippets(text: str, mark: str) -> str:
    if mark != "zqmarkjudge":
        return text
    text = re.sub(r"\bdef test_(\w+)", rf"def test_{mark}_\1", text.replace("CANARY_7f3a", mark))
    return _in_snippets(text, mark)


def _in_snippets(text: str, mark: str) -> str:
    """Marks in the code that runs inside the jail: assigned strings of several lines."""
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(text).readline))):
        several = token.type == tokenize.STRING and token.start[0] < token.end[0]
        if several and token.line[: token.start[1]].rstrip().endswith("="):
            opened, inner = token.string.split('"""')[:2]
            marked = f'{opened}"""{on_every_line(inner, mark)}"""'
            text = text.replace(token.string, marked)
    return text


def on_every_line(text: str, mark: str, rows: Collection[int] | None = None) -> str:
    """Python with a mark in a comment on each line, or on `rows`; not within strings."""
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row, column = token.start
        ends = token.type in (tokenize.NEWLINE, tokenize.NL) and token.line.strip()
        if ends and (rows is None or row in rows):
            line = lines[row - 1]
            lines[row - 1] = f"{line[:column]}  # {mark}{line[column:]}"
    return "".join(lines)


def _plant_in_reference(notebook: Path) -> None:
    mark = "zqmarkreference"
    text = notebook.read_text("utf-8")
    rows: set[int] = set()
    for found in _SOLUTION.finditer(text):
        first, last = (text.count("\n", 0, at) + 1 for at in found.span())
        rows |= set(range(first + 1, last))
    text = on_every_line(text, mark, rows)
    begin = re.compile(r"^( *)### BEGIN SOLUTION\n", re.MULTILINE)
    notebook.write_text(begin.sub(rf'\g<0>\1{mark} = "{mark}"\n', text), "utf-8")


def _plant_in_rubrics(path: Path) -> None:
    spec = yaml.safe_load(path.read_text("utf-8"))
    for question in spec.get("written", ()):
        question["rubric"] = [*question.get("rubric", ()), "zqmarkrubric: 1 point for the reason"]
    path.write_text(yaml.safe_dump(spec, sort_keys=False, allow_unicode=True), "utf-8")


def hidden_bodies(lab: Path) -> code.Bodies:
    """Bodies of the judge, the reference, mistakes and alternatives, but not of public code."""
    hidden: code.Bodies = {}
    for path in sorted(lab.rglob("*.py")):
        if _kind(lab, path) is not None:
            hidden |= code.bodies(path.read_text("utf-8"), str(path.relative_to(lab)))
    solved = (lab / "notebook.py").read_text("utf-8")
    cut = re.sub(r"(?ms)^( *)### BEGIN SOLUTION$.*?### END SOLUTION$", r"\1pass", solved)
    hidden |= code.bodies(_as_module(solved), "notebook.py")
    public = code.bodies(_as_module(cut), "") | _bodies_of(lab / "checks.py")
    return {body: label for body, label in hidden.items() if body not in public}


def _as_module(percent: str) -> str:
    """A percent notebook without lines that only IPython reads."""
    text = re.sub(r"(?m)^[%!].*$", "", percent)
    ast.parse(text)
    return text


def _bodies_of(path: Path) -> code.Bodies:
    return code.bodies(path.read_text("utf-8"), "") if path.exists() else {}
