"""Code in a text, and whether it is code of a hidden function.

Code is whatever parses: a whole text, or any run of its lines. Two pieces are the same when their
syntax trees are, with all names but builtins numbered in order of appearance and without
docstrings and annotations; so a leak with other names is one.
"""

from __future__ import annotations

import ast
import builtins
import codeop
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

LEAST = 3
"""Statements that make a body worth hiding: shorter ones are the same by chance."""
LONGEST = 60
"""Lines of the longest run that is tried where a whole text does not parse."""
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
    hidden = {body: label for body, label in hidden.items() if all(w in text for w in words(body))}
    lengths = {len(body) for body in hidden}
    found: set[str] = set()
    for tree in trees(text) if hidden else ():
        for block in _blocks(tree):
            for length in lengths:
                for start in range(len(block) - length + 1):
                    label = hidden.get(normal(block[start : start + length]))
                    found |= {label} if label else set()
    return found


@cache
def words(body: tuple[str, ...]) -> frozenset[str]:
    """Names in a normalised body that every copy of it must have: attributes, builtins."""
    names = {name for part in body for name in re.findall(r"'([A-Za-z_]\w+)'", part)}
    return frozenset(name for name in names if not re.fullmatch(r"v\d+", name))


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in `tree`, large enough to hold a hidden body."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                block = _without_docstring(value)
                if _statements(block) >= LEAST:
                    yield block


def trees(text: str) -> Iterator[ast.Module]:
    """What of `text` is Python: all of it, or each longest run of lines that parses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = _parsed(text)
        if whole is not None:
            yield whole
        else:
            yield from _runs(text.splitlines())


def _runs(lines: list[str]) -> Iterator[ast.Module]:
    start = 0
    while start < len(lines):
        end, tree = _longest(lines, start)
        if tree is not None:
            yield tree
        start = max(end, start + 1)


def _longest(lines: list[str], start: int) -> tuple[int, ast.Module | None]:
    if not _may_begin_code(lines[start]):
        return start, None
    for end in range(min(start + LONGEST, len(lines)), start, -1):
        if lines[end - 1].strip():
            tree = _parsed("\n".join(lines[start:end]))
            if tree is not None:
                return end, tree
    return start, None


def _may_begin_code(line: str) -> bool:
    if not any(c in line for c in "=(:.") and not line.strip().startswith(("return", "raise")):
        return False
    try:
        codeop.compile_command(line.strip())
    except (SyntaxError, ValueError, OverflowError):
        return False
    return True


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
