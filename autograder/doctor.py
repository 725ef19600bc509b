"""What this machine can do for the kit: `labkit doctor`.

Reads and measures, repairs nothing. Grading needs the interpreter, the locked packages and a
sandbox; a browser and free space are told as notes. Students' own checks need no sandbox.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autograder.lab import root

if TYPE_CHECKING:
    from autograder.sandbox.probe import Probe

Status = Literal["ok", "note", "missing"]
PYTHON = (3, 11)
NEEDED_GB = 2.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `missing` is what grading cannot do without; a `note` is advice."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether nothing that grading needs is missing."""
    return all(finding.status != "missing" for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as plain data, for scripts."""
    return {"ok": healthy(findings), "findings": [asdict(finding) for finding in findings]}


def check_python(running: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """The interpreter's version."""
    found = ".".join(map(str, running))
    if running == PYTHON:
        return Finding("python", "ok", found)
    return Finding("python", "missing", found, "Install Python 3.11 and run: make venv")


def read_lock(text: str) -> dict[str, str]:
    """Package versions pinned in the text of a requirements.lock, by name."""
    pins: dict[str, str] = {}
    for line in text.splitlines():
        requirement = line.split(";")[0].split("#")[0].strip()
        name, separator, pinned = requirement.partition("==")
        if separator:
            pins[name.split("[")[0].strip()] = pinned.strip()
    return pins


def installed(name: str) -> str | None:
    """The installed version of a package without its local part (`+cpu`); None when absent."""
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return None


def check_packages(
    pins: Mapping[str, str], find: Callable[[str], str | None] = installed
) -> Finding:
    """The installed packages against the lock's versions."""
    found = {name: find(name) for name in pins}
    wrong = [
        f"{name} {found[name] or 'not installed'} (lock: {pinned})"
        for name, pinned in pins.items()
        if found[name] != pinned
    ]
    if not wrong:
        return Finding("packages", "ok", f"{len(pins)} as in requirements.lock")
    shown = "; ".join(wrong[:5]) + (f"; {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return Finding("packages", "missing", shown, "Run: make venv")


def check_lock(folder: Path) -> Finding:
    """The packages, when there is a lock to compare them with (an installed wheel has none)."""
    path = folder / "requirements.lock"
    if not path.is_file():
        return Finding("packages", "note", f"not compared: {path} does not exist")
    return check_packages(read_lock(path.read_text(encoding="utf-8")))


def check_sandbox(seen: Probe) -> Finding:
    """The sandbox level this kernel offers to graded code."""
    primitives = ", ".join(f"{name}: {state}" for name, state in seen.primitives.items())
    if seen.level is None:
        return Finding("sandbox", "missing", f"none ({primitives})", seen.remedy)
    return Finding("sandbox", "ok", f"level {seen.level} ({primitives})", seen.remedy)


def check_door(seen: Probe) -> Finding:
    """Whether labs that need the Tinker service can be graded here."""
    if seen.door.startswith("ok"):
        return Finding("service door", "ok", f"{seen.door} at level {seen.level}")
    remedy = "Only labs that need the Tinker service need it; the others are graded without."
    return Finding("service door", "note", seen.door, remedy)


def check_browser(which: Callable[[str], str | None] = shutil.which) -> Finding:
    """A Chromium, which only the browser tests need."""
    found = next((path for path in map(which, BROWSERS) if path), None)
    if found:
        return Finding("chromium", "ok", found)
    remedy = "Only the browser tests need it: apt-get install chromium"
    return Finding("chromium", "note", "not found", remedy)


def check_disk(folder: Path, free_bytes: int | None = None) -> Finding:
    """Free space where the kit is."""
    free_gb = (shutil.disk_usage(folder).free if free_bytes is None else free_bytes) / 1e9
    if free_gb >= NEEDED_GB:
        return Finding("disk", "ok", f"{free_gb:.1f} GB free")
    remedy = f"Less than {NEEDED_GB:g} GB is little for a course: free some space."
    return Finding("disk", "note", f"{free_gb:.1f} GB free", remedy)


def examine() -> tuple[Finding, ...]:
    """Look at everything."""
    from autograder.sandbox.probe import probe

    folder, seen = root(), probe()
    return (
        check_python(),
        check_lock(folder),
        check_sandbox(seen),
        check_door(seen),
        check_browser(),
        check_disk(folder),
    )
