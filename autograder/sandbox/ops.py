"""What a judge can ask of a namespace of student code, and what comes back.

The same operations run inside the jail (student) and in the judge's own process (reference, known
mistakes), so that an answer means the same thing on both sides. An object that is not plain data
never leaves its process: it is answered by a `Handle`, usable in later operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Handle:
    """An object that stays in the process that made it. `type_name` is for messages only."""

    id: int
    type_name: str = "object"


@dataclass(frozen=True)
class Call:
    """Call a function or class of the namespace by name, or a `Handle` that is callable."""

    target: str | Handle
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Method:
    """Call a method of an object that stayed behind."""

    handle: Handle
    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Get:
    """Read an attribute of an object that stayed behind."""

    handle: Handle
    name: str


@dataclass(frozen=True)
class Snippet:
    """Run the judge's own lines next to the student's names; the variable `result` comes back.

    For inputs too big or too alive to send (a model, a tokenizer). `inputs` become variables.
    A snippet brings back data, never a verdict.
    """

    code: str
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])


Op = Call | Method | Get | Snippet


@dataclass(frozen=True)
class Returned:
    """The operation gave this value: plain data, or a `Handle`."""

    value: Any


@dataclass(frozen=True)
class Raised:
    """The operation raised. `mro` are the exception's class names, most derived first."""

    mro: tuple[str, ...] = field()  # bare, dataclass would take `type.mro` for a default
    message: str
    lines: tuple[str, ...] = ()
    """The student's own lines of the traceback ("cell 4, line 12: ..."), outermost first."""

    @property
    def type_name(self) -> str:
        """Name of the exception's class."""
        return self.mro[0] if self.mro else "Exception"


Outcome = Returned | Raised


@dataclass(frozen=True)
class SourceCell:
    """One code cell to run: `id` is its grade_id or cell id, `kind` setup, solution or helper."""

    id: str
    kind: str
    source: str


@dataclass(frozen=True)
class CellReport:
    """How one cell ran. `error` is None when it ran through."""

    id: str
    error: Raised | None = None
    notes: tuple[str, ...] = ()
    """What was left out on the way in, such as a dropped `%matplotlib inline`."""
