"""Markdown in the pages nbgrader makes: a student's text may hold HTML, but none that does things.

Feedback pages and formgrader show what students wrote to other people. nbconvert would pass their
raw HTML through, scripts included; here it goes through an allow-list first.
"""

from __future__ import annotations

from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_BLOCKS = frozenset({"dd", "details", "div", "dl", "dt", "p", "pre", "summary"})
_INLINE = frozenset({"br", "del", "img", "kbd", "s", "small", "span", "sub", "sup", "u"})
_TABLES = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
TAGS = bleach.ALLOWED_TAGS | _HEADINGS | _BLOCKS | _INLINE | _TABLES
ATTRIBUTES = {
    "*": ["class", "id", "title", "align", "lang"],
    "a": ["href"],
    "img": ["src", "alt", "width", "height"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
PROTOCOLS = frozenset(("http", "https", "mailto", "attachment", "data"))


@pass_context
def safe_markdown(context: Any, source: str) -> str:
    """HTML of a markdown cell or output. The name of the filter is nbconvert's `markdown2html`."""
    cell: Any = context.get("cell") or {}
    renderer = IPythonRenderer(
        escape=False,
        attachments=cell.get("attachments", {}),
        exclude_anchor_links=True,
    )
    html: str = MarkdownWithMath(renderer=renderer).render(source)
    return bleach.clean(html, tags=TAGS, attributes=_allowed, protocols=PROTOCOLS)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name not in (*ATTRIBUTES["*"], *ATTRIBUTES.get(tag, [])):
        return False
    # Pictures travel inside the page; a remote one would tell its owner who reads it.
    if tag == "img" and name == "src":
        return not value.strip().lower().startswith(("http:", "https:", "//"))
    return not value.strip().lower().startswith("data:text")
