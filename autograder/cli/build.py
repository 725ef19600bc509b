"""The command `build`: what students get, generated from `solutions/`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
