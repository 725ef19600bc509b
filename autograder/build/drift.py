"""Whether a generated folder is what it should be, and replacing one as a whole."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

IGNORED = frozenset({"__pycache__", ".ipynb_checkpoints", ".DS_Store", ".labkit-progress.json"})
"""Names that using a folder leaves in it; they are no drift."""

DIFF_LINES = 40
"""Lines of each file's diff that are shown."""


@dataclass(frozen=True)
class Drift:
    """Files that differ from what the source generates. `text` shows how, file by file."""

    stale: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.stale or self.missing or self.extra)


def files_below(folder: Path) -> dict[str, Path]:
    """Files below `folder` by their relative POSIX path, without the `IGNORED` ones."""
    found = {p.relative_to(folder): p for p in sorted(folder.rglob("*")) if not p.is_dir()}
    return {name.as_posix(): p for name, p in found.items() if not IGNORED & set(name.parts)}


def drift(wanted: Path, actual: Path) -> Drift:
    """How the folder `actual` differs from the folder `wanted`."""
    want, have = files_below(wanted), files_below(actual)
    missing = tuple(f"{actual.name}/{name}" for name in want if name not in have)
    extra = tuple(f"{actual.name}/{name}" for name in have if name not in want)
    changed = [n for n in want if n in have and want[n].read_bytes() != have[n].read_bytes()]
    parts = [f"missing: {name}" for name in missing]
    parts += [f"extra: {name}" for name in extra]
    parts += [_diff(f"{actual.name}/{name}", have[name], want[name]) for name in changed]
    stale = tuple(f"{actual.name}/{name}" for name in changed)
    return Drift(stale, missing, extra, "\n".join(parts))


def _diff(name: str, have: Path, want: Path) -> str:
    try:
        old, new = have.read_text(encoding="utf-8"), want.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return f"stale: {name} (binary)"
    diff = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} (there)", f"{name} (generated)", "", "", 1, ""
    )
    lines = list(diff)
    if not lines:
        return f"stale: {name} (line ends)"
    more = [f"... {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return "\n".join([f"stale: {name}", *lines[:DIFF_LINES], *more])


def replace_folder(made: Path, target: Path) -> None:
    """Put the folder `made` in the place of `target` by renames; both are on one disk.

    A kill between the two renames leaves the old folder beside its place, never half a folder.
    """
    if not target.exists():
        os.rename(made, target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent)) / target.name
    os.rename(target, aside)
    try:
        os.rename(made, target)
    except OSError:
        os.rename(aside, target)
        raise
    finally:
        shutil.rmtree(aside.parent, ignore_errors=True)
