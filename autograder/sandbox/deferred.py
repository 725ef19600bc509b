"""Modules that are imported only once something in them is used.

`import tinker` imports torch, for the few of its calls that take tensors: a third of what a check
costs, often for code that needs none of it. Like `importlib.util.LazyLoader`, but to ask whether
such a module is installed, as transformers does, does not load it. Only for a program of which one
thread alone may be the first to use the module: another one would see half of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def defer(name: str) -> None:
    """Let `import name` wait for its first use; without effect when it is imported already."""
    if name not in sys.modules:
        sys.meta_path.insert(0, _Waiting(name))


def loaded(name: str) -> Any:
    """The module `name` if its code has run, else None. Its type is Any, as every module's is."""
    module = sys.modules.get(name)
    return None if type(module) is _Deferred else module


class _Deferred(ModuleType):
    """A module that has nothing yet but what the import system knows of it."""

    def __getattr__(self, name: str) -> Any:
        module: Any = self
        sys.meta_path.remove(module.__spec__.loader)
        module.__class__ = ModuleType
        importlib.reload(self)
        return getattr(self, name)


class _Waiting(MetaPathFinder, Loader):
    """Finds one module where it is, and makes a `_Deferred` of it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The place of the module, with this as its loader; None for every other module."""
        spec = PathFinder.find_spec(fullname, path) if fullname == self.name else None
        if spec is not None:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing. A submodule's import asks for `__path__`, and so it loads the module."""
        vars(module).pop("__path__", None)
        module.__class__ = _Deferred
