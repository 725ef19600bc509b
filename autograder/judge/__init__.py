"""Compares student code with the reference on generated inputs and explains the first difference.

What a lab's `judge.py` and `checks.py` import: `exercise`, `agree`, `expect`, `refuses`,
`require`, `Tolerance`, `EXACT`. Names load on first use: pytest imports this package in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.judge.api import (
        EXACT,
        Mismatch,
        StudentError,
        Tolerance,
        agree,
        exercise,
        expect,
        refuses,
        require,
    )

__all__ = [
    "EXACT",
    "Mismatch",
    "StudentError",
    "Tolerance",
    "agree",
    "exercise",
    "expect",
    "refuses",
    "require",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograder.judge import api

    return getattr(api, name)
