"""Plants a mark of its own in each kind of hidden text of a lab's copy, and lists its hidden code.

A mark stands in comments, in names and in constants: whatever way a hidden file gets out, at least
one of them goes with it.
"""

from __future__ import annotations

import ast
import re
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


def plant(lab: Path) -> Hidden:
    """Put the marks into the lab's hidden files; what must not be found afterwards."""
    bodies = hidden_bodies(lab)
    for path in sorted(lab.rglob("*.py")):
        kind = _kind(lab, path)
        if kind is not None:
            text = path.read_text("utf-8") + _CODE.format(mark=kind)
            path.write_text(_in_names_and_snippets(text, kind), "utf-8")
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
    # Lines that run inside the jail: a comment on each first assignment of `result`.
    return re.sub(r"^(result = .*[^\\{(\[,])$", rf"\1  # {mark}", text, flags=re.MULTILINE)


def _plant_in_reference(notebook: Path) -> None:
    mark = "zqmarkreference"
    text = notebook.read_text("utf-8")
    begin = re.compile(r"^( *)### BEGIN SOLUTION\n", re.MULTILINE)
    lines = rf'\g<0>\1# {mark}: a comment\n\1{mark} = "{mark}"\n'
    notebook.write_text(begin.sub(lines, text), "utf-8")


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
