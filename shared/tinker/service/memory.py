"""How the process deals with memory that it frees: keep it while there is work, give it back after.

Every training step and every batch of samples allocates and frees the same large blocks. glibc
hands such blocks to the kernel at once, and each step pays for getting them again (24,000 page
faults and a tenth of a step's time were measured). Does nothing where the C library is another.
"""

from __future__ import annotations

import ctypes
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""Names of mallopt(3)."""

KEPT_BYTES = 256 << 20
"""Free memory the process may hold while it works."""

LARGEST_BLOCK = 32 << 20
"""Blocks up to this size come from kept memory; glibc allows no more."""


def _libc() -> Any:
    try:
        library: Any = ctypes.CDLL(None)
        _ = library.mallopt, library.malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return library


def keep_freed() -> None:
    """Call before threads start: one heap for all of them, which keeps what is freed."""
    library = _libc()
    if library is not None:
        library.mallopt(ARENA_MAX, 1)
        library.mallopt(TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)


def give_back() -> None:
    """Hand free memory to the kernel. Takes milliseconds."""
    library = _libc()
    if library is not None:
        library.malloc_trim(0)
