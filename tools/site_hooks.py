"""MkDocs hooks: adds the generated pages to the site. What is on them is in site_pages.py."""

from __future__ import annotations

import site_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from autograder.cli import app
from autograder.lab import labs_folder


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages written from the code."""
    pages = {
        "labs/index.md": site_pages.labs_page(labs_folder()),
        "reference/cli.md": site_pages.cli_page(app),
    }
    for uri, content in pages.items():
        files.append(File.generated(config, uri, content=content))
    return files
