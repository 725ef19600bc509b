"""tinker:// paths and the names in them: read, checked and written in one place.

A path is `tinker://<run>/<kind>/<name>`. Names become folders, so only harmless ones pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.tinker.errors import UserError
from shared.tinker.service.records import KINDS, Kind

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+@-]{0,127}", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}", re.ASCII)


@dataclass(frozen=True)
class TinkerPath:
    """The parts of a path."""

    run_id: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"tinker://{self.run_id}/{self.kind}/{self.name}"


def parse(path: str) -> TinkerPath:
    """The parts of a tinker:// path.

    Raises:
        UserError: it is none, and why.
    """
    scheme, _, rest = path.partition("://")
    parts = rest.split("/")
    if scheme != "tinker" or len(parts) != 3:
        raise UserError(
            f"{path[:200]!r} is no checkpoint path. Expected tinker://<run>/<kind>/<name>, as "
            "save_state and its siblings return it."
        )
    run_id, kind, name = parts
    return TinkerPath(check_run(run_id), check_kind(kind), check_name(name))


def check_kind(kind: str) -> Kind:
    """A known kind; raises `UserError`."""
    for known in KINDS:
        if kind == known:
            return known
    raise UserError(f"{kind[:80]!r} is no kind of checkpoint. Expected {', '.join(KINDS)}.")


def check_name(name: str) -> str:
    """A name that may become a folder; raises `UserError`."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name[:200]!r} cannot name a checkpoint. Use 1 to 128 letters, digits or any of "
            "_ . = + @ -, beginning with a letter, a digit or _."
        )
    return name


def check_run(run_id: str) -> str:
    """A run id of harmless characters; raises `UserError`."""
    if not _RUN.fullmatch(run_id):
        raise UserError(f"{run_id[:200]!r} is no training run's id.")
    return run_id
