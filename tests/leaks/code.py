"""Code in a text, and whether it is code of a hidden function.

Code is whatever parses: a whole text, or any run of its lines. Two pieces are the same when their
syntax trees are, with all names but builtins numbered in order of appearance and without
docstrings and annotations; so a leak with other names is one.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

LEAST = 3
"""Statements that make a body worth hiding: shorter ones are the same by chance."""
LONGEST = 120
"""Lines of the longest run that is tried."""
_NAME = re.compile(r"[A-Za-z_]\w+")
_TWO_WORDS = re.compile(r"(\w+)[ \t]+(\w+)(?!['\"\w])")
_KEYWORDS = frozenset([*keyword.kwlist, *keyword.softkwlist])
_KEYWORD_OF = {
    "Return": "return", "Raise": "raise", "For": "for", "While": "while", "With": "with",
    "Try": "try", "FunctionDef": "def", "ClassDef": "class", "Lambda": "lambda", "Yield": "yield",
    "Assert": "assert", "comprehension": "for", "IfExp": "else",
}  # fmt: skip
_OPENS = frozenset("0123456789([{@*'\"-~.#")
Bodies = dict[tuple[str, ...], str]
"""Normalised statements of a body -> where it is hidden."""


def bodies(source: str, label: str) -> Bodies:
    """Bodies of at least `LEAST` statements, of all functions and methods of a Python file."""
    found: Bodies = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = _without_docstring(node.body)
            if _statements(body) >= LEAST:
                found[normal(body)] = f"{label}: {node.name}"
    return found


def normal(body: Iterable[ast.stmt]) -> tuple[str, ...]:
    """The statements, normalised together."""
    names: dict[str, str] = {}
    return tuple(_dump(statement, names) for statement in body)


def _dump(node: object, names: dict[str, str]) -> str:
    if isinstance(node, list):
        return "[" + ",".join(_dump(item, names) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts: list[str] = []
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_comment", "ctx", "lineno"):
            continue
        if field == "body" and isinstance(value, list):
            value = _without_docstring(value)
        named = isinstance(value, str) and field in ("id", "arg", "name")
        if named and not (isinstance(node, ast.keyword) or hasattr(builtins, value)):
            value = names.setdefault(value, f"v{len(names)}")
        parts.append(_dump(value, names))
    return f"{type(node).__name__}({','.join(parts)})"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if told and isinstance(first.value.value, str) else body


def _statements(body: Iterable[ast.stmt]) -> int:
    return sum(isinstance(inner, ast.stmt) for part in body for inner in ast.walk(part))


def hidden_in(text: str, hidden: Bodies) -> set[str]:
    """Labels of the hidden bodies that stand in `text`."""
    if not hidden:
        return set()
    names = set(_NAME.findall(text))
    wanted = {body: label for body, label in hidden.items() if words(body) <= names}
    kinds = {_kinds(body) for body in wanted}
    found: set[str] = set()
    for tree in trees(text) if wanted else ():
        for block in _blocks(tree):
            alike = (part for part in _stretches(block, kinds))
            found |= {wanted[body] for body in map(normal, alike) if body in wanted}
    return found


@cache
def words(body: tuple[str, ...]) -> frozenset[str]:
    """What every copy of a normalised body must have: attributes, builtins, keywords."""
    told = " ".join(body)
    names = set(re.findall(r"'([A-Za-z_]\w+)'", told))
    kinds = set(re.findall(r"\b(\w+)\(", told))
    keywords = {word for kind, word in _KEYWORD_OF.items() if kind in kinds}
    return keywords | frozenset(name for name in names if not re.fullmatch(r"v\d+", name))


@cache
def _kinds(body: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.partition("(")[0] for part in body)


def _stretches(block: list[ast.stmt], kinds: set[tuple[str, ...]]) -> Iterator[list[ast.stmt]]:
    """What of a block has statements of the same kinds as a body that is looked for."""
    here = tuple(type(statement).__name__ for statement in block)
    for wanted in kinds:
        for start in range(len(here) - len(wanted) + 1):
            if here[start : start + len(wanted)] == wanted:
                yield block[start : start + len(wanted)]


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in `tree`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            if isinstance(inner, list) and inner:
                waiting += inner
                if isinstance(inner[0], ast.stmt):
                    yield _without_docstring(inner)


def trees(text: str) -> Iterator[ast.Module]:
    """What of `text` is Python: each longest run of lines that parses."""
    lines = text.replace("\0", " ").split("\n")
    margins = [len(line) - len(line.lstrip()) if line.strip() else None for line in lines]
    start = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while start < len(lines):
            end, tree = _run(lines, margins, start)
            if tree is not None:
                yield tree
            start = max(end, start + 1)


def _run(lines: list[str], margins: list[int | None], start: int) -> tuple[int, ast.Module | None]:
    """The longest run of lines from `start` that parses, none of them further left than the first.

    A line that cannot go on from what is before it cannot in a longer run either: the next run
    tried ends before that line.
    """
    margin = margins[start]
    if margin is None or not _may_begin_code(lines[start][margin:]):
        return start, None
    end, last = start + 1, min(start + LONGEST, len(lines))
    while end < last and ((here := margins[end]) is None or here >= margin):
        end += 1
    while end > start:
        try:
            return end, ast.parse("\n".join(line[margin:] for line in lines[start:end]))
        except SyntaxError as error:
            end = min(end - 1, start + (error.lineno or 1) - 1)
        except (ValueError, RecursionError, MemoryError):
            end = start + (end - start) // 2
    return start, None


def _may_begin_code(line: str) -> bool:
    """Whether a statement can begin so. Most lines of prose are told by their first two words."""
    if not (line[0].isidentifier() or line[0] in _OPENS):
        return False
    told = _TWO_WORDS.match(line)
    return told is None or told[1] in _KEYWORDS or told[2] in _KEYWORDS
