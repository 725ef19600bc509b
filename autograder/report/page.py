"""Writes the overview as one HTML file: no script, no outside request, readable when printed."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.files import write_atomically
from autograder.report.overview import Overview

MARKS = {"passed": "●", "failed": "◐", "error": "✕", "timeout": "◷", "not attempted": "–"}  # noqa: RUF001
"""One sign per status, so that the table can be read without colour."""


def render(overview: Overview) -> str:
    """The page's HTML. Everything a student wrote is escaped."""
    environment = Environment(
        loader=PackageLoader("autograder.report"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("overview.html.j2").render(overview=overview, marks=MARKS)


def write_page(overview: Overview, target: Path) -> Path:
    """Write the page to `target` (temporary file, then rename) and return it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, render(overview).encode("utf-8"))
    return target
