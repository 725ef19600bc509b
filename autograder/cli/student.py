"""The student's commands: `labs`, `start`, `check`, `hint`, `submit`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the student's commands to `app`."""
