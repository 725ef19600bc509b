"""Mechanical mutants of a solution cell: one small edit each, as a slip of the pen would make.

Operators: arithmetic, comparison, boolean, constants, default arguments (as constants), dropped
statements, swapped arguments, negated conditions, dropped signs. Left alone, because a change
there is no change of behaviour: docstrings, annotations, the text of error messages.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SYMMETRIC = frozenset(("min", "max", "promote_types"))
"""Functions that do not care for the order of their arguments."""
_SIMPLE_STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete, ast.Continue)


@dataclass(frozen=True)
class Mutant:
    """One edited copy of a cell. `id` names exercise, operator and place, and stays put."""

    id: str
    line: int
    code: str


@dataclass(frozen=True)
class _Edit:
    operator: str
    node: ast.AST
    apply: Callable[[], None]
    """Edits the tree in place."""

    @property
    def line(self) -> int:
        """Line of the edited code, counted from 1."""
        return getattr(self.node, "lineno", 0)

    @property
    def place(self) -> str:
        """Line and columns: two nodes may start at the same column."""
        start, end = getattr(self.node, "col_offset", 0), getattr(self.node, "end_col_offset", 0)
        return f"{self.line}:{start}-{end}"


def normalised(code: str) -> str:
    """`code` without comments, layout, docstrings and the names of its variables.

    Two answers are the same answer when this is the same text: local names are numbered in order
    of appearance, so that renaming is no difference.
    """
    tree = ast.parse(code)
    _drop_docstrings(tree)
    bound = _bound_names(tree)
    numbers: dict[str, str] = {}
    for node in ast.walk(tree):
        for field in ("id", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str) and value in bound:
                setattr(node, field, numbers.setdefault(value, f"v{len(numbers)}"))
    return ast.dump(tree)


def _bound_names(tree: ast.Module) -> set[str]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return stored | {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            node.body = node.body or [ast.Pass()]


def mutants(exercise: str, code: str) -> list[Mutant]:
    """All mutants of `code`, without doubles, in order of place.

    Raises:
        SyntaxError: `code` is no Python.
    """
    seen = {ast.dump(_without_docstrings(code))}
    found: list[Mutant] = []
    for index in range(len(_edits(_without_docstrings(code)))):
        tree = _without_docstrings(code)
        edit = _edits(tree)[index]
        place = edit.place
        edit.apply()
        ast.fix_missing_locations(tree)
        try:
            text = ast.unparse(tree)
            key = ast.dump(ast.parse(text))
        except (SyntaxError, ValueError):
            continue
        if key not in seen:
            seen.add(key)
            found.append(Mutant(f"{exercise}/{edit.operator}@{place}", edit.line, text))
    return sorted(found, key=lambda m: (m.line, m.id))


def _without_docstrings(code: str) -> ast.Module:
    tree = ast.parse(code)
    _drop_docstrings(tree)
    return tree


def _edits(tree: ast.Module) -> list[_Edit]:
    """Every possible edit of `tree`, in a fixed order."""
    edits: list[_Edit] = []
    for node in _behaviour(tree):
        edits.extend(_edits_of(node))
    return edits


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what is below it, without annotations and error messages."""
    yield node
    skip: set[str] = {"annotation", "returns", "decorator_list", "type_comment"}
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in skip:
            continue
        children: list[object] = list(value) if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType]
        for child in children:
            if isinstance(child, ast.AST):
                yield from _behaviour(child)


def _edits_of(node: ast.AST) -> Iterator[_Edit]:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        yield from _arithmetic(node)
    elif isinstance(node, ast.Compare):
        yield from _comparison(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _Edit("and-or", node, lambda: setattr(node, "op", other))
    elif isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Call):
        yield from _swapped(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield _Edit("sign", node, lambda: _undo_sign(node))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield _Edit(
            "negate", node, lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
        )
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield from _dropped(block)  # pyright: ignore[reportUnknownArgumentType]


def _undo_sign(node: ast.UnaryOp) -> None:
    """`-x` becomes `+x`; `not x` becomes `not not x`."""
    if isinstance(node.op, ast.USub):
        node.op = ast.UAdd()
    else:
        node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _arithmetic(node: ast.BinOp | ast.AugAssign) -> Iterator[_Edit]:
    other = _ARITHMETIC.get(type(node.op))
    if other is not None:
        yield _Edit("arithmetic", node, lambda: setattr(node, "op", other()))


def _comparison(node: ast.Compare) -> Iterator[_Edit]:
    for index, op in enumerate(node.ops):
        other = _COMPARISON[type(op)]

        def apply(index: int = index, other: type[ast.cmpop] = other) -> None:
            node.ops[index] = other()

        yield _Edit(f"compare{index}" if index else "compare", node, apply)


def _constant(node: ast.Constant) -> Iterator[_Edit]:
    value = node.value
    if isinstance(value, bool):
        yield _Edit("flip", node, lambda: setattr(node, "value", not value))
    elif isinstance(value, int | float):
        yield _Edit("plus1", node, lambda: setattr(node, "value", value + 1))
        yield _Edit("minus1", node, lambda: setattr(node, "value", value - 1))
    elif isinstance(value, str) and value:
        yield _Edit("text", node, lambda: setattr(node, "value", value + "_"))


def _swapped(node: ast.Call) -> Iterator[_Edit]:
    plain = not any(isinstance(a, ast.Starred) for a in node.args[:2])
    name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
    if len(node.args) >= 2 and plain and name not in _SYMMETRIC:

        def apply() -> None:
            node.args[0], node.args[1] = node.args[1], node.args[0]

        yield _Edit("swap", node, apply)


def _dropped(block: list[ast.stmt]) -> Iterator[_Edit]:
    for index, statement in enumerate(block):
        if isinstance(statement, _SIMPLE_STATEMENTS):

            def apply(index: int = index) -> None:
                block[index] = ast.copy_location(ast.Pass(), block[index])

            yield _Edit("drop", statement, apply)
