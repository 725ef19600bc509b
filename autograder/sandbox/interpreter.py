"""Runs the cells of one submission and answers operations on what they defined.

The same class serves inside the jail (the student's cells) and in the judge's own process (the
reference, known mistakes). Values are copied on the way in and out, so that neither side can
change what the other holds. No isolation of its own: that is the jail's work.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import linecache
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, ModuleType
from typing import Any, Literal, cast

from autograder.sandbox import wire
from autograder.sandbox.cells import FUTURE_FLAGS, prepare
from autograder.sandbox.deferred import loaded
from autograder.sandbox.errors import WireError
from autograder.sandbox.failure import class_names, describe
from autograder.sandbox.ops import (
    Call,
    CellReport,
    Get,
    Handle,
    Method,
    Op,
    Outcome,
    Raised,
    Returned,
    Snippet,
    SourceCell,
)

_NARROW = ("float16", "bfloat16", "float32")
_compile = compile
"""Taken before any cell runs, so that no cell's own `compile` is asked to compile for the judge."""
_BUILTINS = dict(vars(builtins))
_PYTHONS_OWN = frozenset(name for name in _BUILTINS if not name.startswith("_"))


class Interpreter:
    """One namespace.

    Args:
        default_dtype: torch's default dtype at the start; what the cells set instead stays set
            for this namespace and for no other.
        upcast: give every narrower float among the inputs as float64, and make that the default
            dtype: how references compute.
        interruptible: let Ctrl-C through; off inside the jail.
    """

    def __init__(
        self,
        default_dtype: Literal["float32", "float64"] = "float32",
        upcast: bool = False,
        *,
        interruptible: bool = True,
    ) -> None:
        self._dtype = "float64" if upcast else default_dtype
        self._upcast = upcast
        self._interruptible = interruptible
        self._module = ModuleType("__main__")
        self._module.__dict__.update(__builtins__=builtins, display=_display)
        self._sources: dict[str, list[str]] = {}
        self._objects: dict[int, object] = {}
        self._next_id = 1
        self._flags = 0

    @property
    def names(self) -> frozenset[str]:
        """Names the cells have defined."""
        hidden = {"display", "__builtins__", "__name__", "__doc__"}
        return frozenset(name for name in self._module.__dict__ if name not in hidden)

    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        """Run `cells` in order. An error in one does not stop the next."""
        with self._entered():
            return tuple(self._load_one(cell) for cell in cells)

    def execute(self, op: Op) -> Outcome:
        """Do one operation. Objects that are no plain data come back as `Handle`s."""
        return wire.decode(self.execute_encoded(wire.decode(wire.encode(op))))

    def execute_encoded(self, op: Op) -> bytes:
        """As `execute`, with an `op` that nobody else holds; the outcome is ready to be sent."""
        with self._entered():
            outcome = self._attempt(op)
            if type(outcome) is Raised:
                return wire.encode(outcome)
            try:
                return wire.encode(outcome, foreign=self._keep)
            except WireError:  # too deep, too long, cyclic: it stays here as a whole
                return wire.encode(Returned(self._keep(cast(Returned, outcome).value)))

    def reset(self) -> None:
        """Forget every object a `Handle` stands for, and number the next ones from 1."""
        self._objects.clear()
        self._next_id = 1

    def _load_one(self, cell: SourceCell) -> CellReport:
        filename = self._register(cell)
        notes: tuple[str, ...] = ()
        try:
            prepared = prepare(cell.source, filename, self._flags)
            notes = prepared.notes
            self._flags |= prepared.code.co_flags & FUTURE_FLAGS
            if prepared.code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(prepared.code, self._module.__dict__))
            else:
                exec(prepared.code, self._module.__dict__)
        except BaseException as error:
            return CellReport(cell.id, self._failure(error), notes)
        return CellReport(cell.id, None, notes)

    def _register(self, cell: SourceCell) -> str:
        """Give the cell a file name of its own, so that tracebacks and inspect find its lines."""
        filename, count = f"<cell {cell.id}>", 1
        while filename in self._sources:
            count += 1
            filename = f"<cell {cell.id} ({count})>"
        self._sources[filename] = cell.source.splitlines()
        lines = [line + "\n" for line in self._sources[filename]]
        linecache.cache[filename] = (len(cell.source), None, lines, filename)
        return filename

    def _attempt(self, op: Op) -> Outcome:
        try:
            return Returned(self._run(op))
        except BaseException as error:
            return self._failure(error)

    def _failure(self, error: BaseException) -> Raised:
        if isinstance(error, KeyboardInterrupt) and self._interruptible:
            raise error
        if not self._interruptible and _out_of_memory(error):
            raise MemoryError from error  # the jail ends: its budget is spent
        return describe(error, self._sources)

    def _run(self, op: Op) -> Any:
        if type(op) is Call:
            function = self._lookup(op.target)
            return function(*self._bring(op.args), **self._bring(op.kwargs))
        if type(op) is Method:
            method = getattr(self._lookup(op.handle), op.name)
            return method(*self._bring(op.args), **self._bring(op.kwargs))
        if type(op) is Get:
            return getattr(self._lookup(op.handle), op.name)
        assert type(op) is Snippet, f"no operation: {type(op).__name__}"
        scope = self._beside(op.inputs)
        exec(_snippet(op.code), scope)
        if "result" not in scope:
            raise LookupError("the snippet sets no variable `result`")
        return scope["result"]

    def _beside(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What the judge's lines see: the cells' names, and Python's builtins as they were.

        `list = [1, 2]` in a notebook is bad taste, but no wrong answer.
        """
        own = {n: v for n, v in self._module.__dict__.items() if n not in _PYTHONS_OWN}
        own.pop("result", None)
        return {**own, "__builtins__": dict(_BUILTINS), **self._bring(inputs)}

    def _lookup(self, target: str | Handle) -> Any:
        if type(target) is str:
            if target not in self._module.__dict__:
                raise NameError(f"name '{target}' is not defined")
            return self._module.__dict__[target]
        number = cast(Handle, target).id
        if number not in self._objects:
            raise LookupError(f"there is no object {number} (any more)")
        return self._objects[number]

    def _keep(self, value: object) -> Handle:
        handle = Handle(self._next_id, (class_names(type(value)) or ("object",))[0])
        self._next_id += 1
        self._objects[handle.id] = value
        return handle

    def _bring(self, value: Any) -> Any:
        """An input with its `Handle`s replaced by their objects, and upcast where asked."""
        kind = type(value)
        if kind is Handle:
            return self._lookup(value)
        if kind is list or kind is tuple:
            return kind(self._bring(item) for item in value)
        if kind is dict:
            return {key: self._bring(item) for key, item in value.items()}
        return _widen(value) if self._upcast else value

    @contextmanager
    def _entered(self) -> Generator[None]:
        """As in a notebook: own `__main__`, own default dtype, warnings are not errors."""
        torch = _torch(needed=self._dtype == "float64")
        before = torch.get_default_dtype() if torch is not None else None
        main = sys.modules["__main__"]
        sys.modules["__main__"] = self._module
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if torch is not None:
                    torch.set_default_dtype(getattr(torch, self._dtype))
                yield
        finally:
            sys.modules["__main__"] = main
            torch = loaded("torch")
            if torch is not None:
                self._dtype = str(torch.get_default_dtype()).removeprefix("torch.")
                torch.set_default_dtype(before or torch.float32)


@lru_cache(maxsize=256)
def _snippet(source: str) -> CodeType:
    """The judge's own lines, compiled once for all examples; no cell's flags reach them."""
    return _compile(source, "<judge>", "exec", dont_inherit=True)


def _torch(*, needed: bool) -> Any:
    """The torch module if it is loaded or needed."""
    if needed:
        import torch

        return torch
    return loaded("torch")


def _widen(value: Any) -> Any:
    """A float array, tensor or numpy scalar as float64; anything else as it is."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or str(dtype).removeprefix("torch.") not in _NARROW:
        return value
    torch = loaded("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.double()
    import numpy as np

    return value.astype(np.float64)


def _out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed; torch says so by a plain RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    args = error.args if type(error) is RuntimeError else ()
    return bool(args) and type(args[0]) is str and "allocate memory" in args[0]


def _display(*objects: object, **options: object) -> None:
    """Stands in for IPython's `display`: nothing is shown when grading."""
