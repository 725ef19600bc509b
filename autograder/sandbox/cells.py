"""Notebook cells as plain Python: what IPython adds to the language is taken out again.

Valid Python is taken as it is. Anything else goes through IPython's own transformer once, and the
calls it makes of magics and shell lines are cut from the syntax tree, each with a note. The bodies
of `%%time`, `%%timeit`, `%%capture` and `%time` still run.
"""

from __future__ import annotations
import __future__ as future

import ast
import warnings
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

_compile = compile
"""Taken before any cell runs: what a cell puts in its place compiles nothing for another."""
_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_HOOKS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput"})
_BODY_RUNS = frozenset({"time", "timeit", "capture", "prun"})
FUTURE_FLAGS = sum(getattr(future, name).compiler_flag for name in future.all_feature_names)


@dataclass(frozen=True)
class Prepared:
    """A compiled cell and what was left out of it."""

    code: CodeType
    notes: tuple[str, ...]


@lru_cache(maxsize=256)
def prepare(source: str, filename: str, flags: int = 0) -> Prepared:
    """Compile one cell. `flags` are the `from __future__` flags of the cells before it.

    Remembered: the reference, the mistakes and their setup are loaded many times over. Everything
    that changes the result is an argument, and nothing in the result can be changed.

    Raises:
        SyntaxError: also after IPython's transformations this is no Python.
    """
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = _parse(source, filename, flags)
        tree = ast.fix_missing_locations(_Magics(notes, filename, flags).visit(tree))
        code = _compile(tree, filename, "exec", flags | _AWAIT, dont_inherit=True)
    return Prepared(code, tuple(notes))


def _parse(source: str, filename: str, flags: int) -> ast.Module:
    try:
        return _plain_parse(source, filename, flags)
    except SyntaxError as plain:
        transformed = _transform(source)
        if transformed is None:
            raise
        try:
            return _plain_parse(transformed, filename, flags)
        except SyntaxError:
            raise plain from None


def _plain_parse(source: str, filename: str, flags: int) -> ast.Module:
    options = flags | _AWAIT | ast.PyCF_ONLY_AST
    return _compile(source, filename, "exec", options, dont_inherit=True)


def _transform(source: str) -> str | None:
    """The cell after IPython's transformer, None where that fails too."""
    from IPython.core.inputtransformer2 import TransformerManager

    lead = len(source) - len(source.lstrip("\n"))  # the transformer drops these; keep line numbers
    try:
        return "\n" * lead + TransformerManager().transform_cell(source[lead:])
    except Exception:  # it raises SyntaxError, IndexError and others on broken input
        return None


class _Magics(ast.NodeTransformer):
    def __init__(self, notes: list[str], filename: str, flags: int) -> None:
        self.notes = notes
        self.filename = filename
        self.flags = flags

    def visit_Expr(self, node: ast.Expr) -> Any:
        found = _magic(node.value)
        if found is None:
            return self.generic_visit(node)
        hook, words = found
        body = self._body(hook, words)
        self.notes.append(_note(hook, words, body is not None))
        if body is None:
            return ast.copy_location(ast.Pass(), node)
        ast.increment_lineno(body, node.lineno - (hook != "run_cell_magic"))
        self.generic_visit(body)
        return body.body

    def visit_Call(self, node: ast.Call) -> Any:
        found = _magic(node)
        if found is None:
            return self.generic_visit(node)
        self.notes.append(_note(*found, False))
        return ast.copy_location(ast.Constant(None), node)

    def _body(self, hook: str, words: list[str]) -> ast.Module | None:
        """The statements that a timing or capturing magic wraps."""
        if not words or words[0] not in _BODY_RUNS:
            return None
        if hook == "run_line_magic" and words[0] == "time":
            return _parse(" ".join(words[1:]), self.filename, self.flags)
        if hook == "run_cell_magic":
            return _parse(words[-1], self.filename, self.flags)
        return None


def _magic(node: ast.expr) -> tuple[str, list[str]] | None:
    """Hook and words of `get_ipython().HOOK("...", ...)`, None for any other expression."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    is_shell = (
        isinstance(owner, ast.Call)
        and isinstance(owner.func, ast.Name)
        and owner.func.id == "get_ipython"
    )
    words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    texts = [word for word in words if isinstance(word, str)]
    if not is_shell or node.func.attr not in _HOOKS or len(texts) != len(node.args):
        return None
    return node.func.attr, texts


def _note(hook: str, words: list[str], body_ran: bool) -> str:
    prefix = {"run_line_magic": "%", "run_cell_magic": "%%"}.get(hook, "!")
    shown = words[:2] if hook == "run_cell_magic" else words
    text = (prefix + " ".join(word for word in shown if word))[:80]
    return f"{text} was left out, its body ran" if body_ran else f"left out: {text}"
