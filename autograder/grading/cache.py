"""Verdicts on disk, named by everything a verdict depends on.

A verdict is the same for the same cells, lab source, seed, sandbox level and judge, so it is
looked up by the hash of these. Files are written whole or not at all; one that does not parse is
treated as absent. What happened to a student's notebook (`notes`) is no part of it: two students
with the same code share one file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

import autograder
import shared
from autograder.course import canonical_json
from autograder.files import write_atomically
from autograder.judge.observed import Observed
from autograder.judge.verdict import Verdict
from autograder.sandbox.ops import SourceCell

JUDGING_SOURCES = ("judge", "sandbox", "notebook.py", "lab.py")
JUDGING_PACKAGES = ("torch", "numpy", "hypothesis", "transformers", "peft", "tinker")


class Judged(BaseModel):
    """A verdict, how it came about and how long it took. For instructors: it names hidden cases."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    observed: Observed = Observed()
    seconds: float
    at: str


@cache
def tool_hash() -> str:
    """One hash of the code and the packages that judge."""
    digest = hashlib.sha256()
    home = Path(autograder.__file__).parent
    files = [p for part in JUDGING_SOURCES for p in _python_files(home / part)]
    files += _python_files(Path(shared.__file__).parent)
    for path in sorted(files):
        digest.update(f"{path.relative_to(home.parent)} ".encode() + path.read_bytes())
    for package in JUDGING_PACKAGES:
        digest.update(f"{package} {version(package)}\n".encode())
    return digest.hexdigest()


def _python_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.rglob("*.py"))


def verdict_key(cells: Sequence[SourceCell], *, lab_hash: str, seed: str, level: str) -> str:
    """The name of the verdict on these cells."""
    facts = {
        "cells": [[cell.id, cell.kind, cell.source] for cell in cells],
        "lab": lab_hash,
        "seed": seed,
        "level": level,
        "tools": tool_hash(),
    }
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def verdict_hash(verdict: Verdict) -> str:
    """Names a verdict's content."""
    return hashlib.sha256(canonical_json(verdict.model_dump(mode="json")).encode()).hexdigest()


def load(folder: Path, key: str) -> Judged | None:
    """The verdict called `key`, or None."""
    try:
        return Judged.model_validate_json((folder / f"{key}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def store(folder: Path, key: str, judged: Judged) -> None:
    """Write the verdict called `key`. Only this user may read it: it tells the seed, and cases."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    write_atomically(folder / f"{key}.json", (judged.model_dump_json(indent=1) + "\n").encode())
