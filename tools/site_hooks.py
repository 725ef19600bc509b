"""MkDocs hooks: adds the generated pages, and the generated parts of the written ones.

What is on them is in site_pages.py and site_service.py.
"""

from __future__ import annotations

import site_pages
import site_service
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

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


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the parts written from the code where a page asks for them."""
    return site_service.fill(markdown)
