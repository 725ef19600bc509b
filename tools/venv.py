"""Make `.venv` from requirements.lock, unless the one there is already right.

Runs under whatever `python3.11` turns out to be, before anything is installed: standard library
only, and a syntax that older Pythons read too, so that they can be refused in a sentence.
The stamp is written last: an interrupted run is started over by the next one. Linux and macOS.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = (3, 11)
REMEDY = "on Debian or Ubuntu run 'apt-get install python3.11 python3.11-venv'"


def refusal() -> str | None:
    """Why this interpreter cannot make the environment, in one sentence; None when it can."""
    found = sys.version_info[:2]
    if found != WANTED:
        return (
            f"This project needs Python 3.11 and {sys.executable} is Python {found[0]}.{found[1]}: "
            f"{REMEDY}, or name another one with 'make PYTHON=PATH'."
        )
    for module in ("venv", "ensurepip"):
        if find_spec(module) is None:
            return f"{sys.executable} lacks the module {module}: {REMEDY}."
    return None


def digest(*paths: Path) -> str:
    """One checksum over the files' contents."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def stamp_text(root: Path) -> str:
    """What the environment was made from: its place (scripts hold it), the lock, the project."""
    return "\n".join(
        [str(root), digest(root / "requirements.lock"), digest(root / "pyproject.toml"), ""]
    )


def works(venv: Path) -> bool:
    """Whether the environment's interpreter still starts (its base may have been removed)."""
    command = [str(venv / "bin" / "python"), "-c", ""]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def pip(venv: Path, *words: str) -> None:
    """Run the environment's pip; only its errors are shown."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "-q", "-q"]
    command += ["--disable-pip-version-check", *words]
    subprocess.run(command, check=True)


def create(venv: Path) -> None:
    """An empty environment, in place of whatever was there."""
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)


def make(root: Path, extra_index_url: str | None = None) -> bool:
    """Bring `root/.venv` up to date; True when there was anything to do."""
    venv, stamp = root / ".venv", root / ".venv" / "made-from"
    wanted = stamp_text(root)
    found = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    current = works(venv)
    if current and found == wanted:
        return False
    stamp.unlink(missing_ok=True)
    if not current or found.splitlines()[:2] != wanted.splitlines()[:2]:
        print("Making .venv from requirements.lock; this takes some minutes.", flush=True)
        create(venv)
        index = ["--extra-index-url", extra_index_url] if extra_index_url else []
        pip(venv, "install", *index, "-r", str(root / "requirements.lock"))
    pip(venv, "install", "--no-deps", "-e", str(root))
    draft = stamp.with_suffix(".draft")
    draft.write_text(wanted, encoding="utf-8")
    os.replace(draft, stamp)
    return True


def main() -> int:
    """Exit 0 when `.venv` is right, 2 for a wrong Python, 1 when an installation step failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--extra-index-url", default=None)
    given = options.parse_args()
    reason = refusal()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    try:
        with (ROOT / "requirements.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second `make` waits for the first
            make(ROOT, given.extra_index_url)
    except subprocess.CalledProcessError as error:
        print(f"Making .venv stopped at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
