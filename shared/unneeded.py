"""Imports of transformers without what it would import only because it is installed.

scikit-learn serves one way to generate, scipy losses on pictures; with them come pandas and
pyarrow, 120 MB together. Nothing here uses any of that.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

UNNEEDED = ("sklearn", "scipy")


@contextmanager
def without_unneeded() -> Generator[None]:
    """Within it they seem not to be installed, unless they are imported already."""
    hidden = [name for name in UNNEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # pyright: ignore[reportArgumentType, reportCallIssue]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
