"""Checking again whenever the notebook is saved, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

INTERVAL_SECONDS = 0.3


def saves(path: Path, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Yield once at the start, then after each save of `path`. Never ends by itself.

    The file's time and size are polled: that works on every system and on network drives. A file
    that is gone for a moment, while an editor replaces it, is no save.
    """
    seen = _stamp(path)
    yield
    while True:
        sleep(INTERVAL_SECONDS)
        now = _stamp(path)
        if now is not None and now != seen:
            seen = now
            yield


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
