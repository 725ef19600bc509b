"""Markdown in the pages nbgrader makes: a student's text may hold HTML, but none that does things.

Feedback pages and formgrader show what students wrote to other people. nbconvert would pass their
raw HTML through, scripts included; here it goes through an allow-list first. Pictures become part
of the page, so that a feedback page is one file.
"""

from __future__ import annotations

import re
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

from autograder.grading.formulas import formula

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_BLOCKS = frozenset({"dd", "details", "div", "dl", "dt", "p", "pre", "summary"})
_INLINE = frozenset({"br", "del", "img", "kbd", "s", "small", "span", "sub", "sup", "u"})
_TABLES = frozenset({"table", "tbody", "td", "th", "thead", "tr"})
TAGS = bleach.ALLOWED_TAGS | _HEADINGS | _BLOCKS | _INLINE | _TABLES
ATTRIBUTES = {
    "a": ["href"],
    "img": ["src", "alt", "width", "height"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
EVERYWHERE = ("class", "title", "align", "lang")
"""No ids: formgrader finds its score fields by theirs, and a student could plant the same."""
CLASSES = re.compile(r"(highlight|hl-\w+|math|math-\d+|alert|alert-\w+|[a-z][a-z0-9]{0,2}|\s)*")
"""Code, formulas, notes. Any other class could dress text up as part of the page around it."""
PICTURE = re.compile(r"data:image/|(?![/\\])(?!.*(\.|%2e){2})[\w.%/ -]+$", re.IGNORECASE)
"""A picture inside the page or beside it. A remote one would tell its owner who reads the page."""


class Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas as pictures and lost attachments as text."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture, or the sentence that it is missing."""
        try:
            return super().image(text, url, title)
        except InvalidNotebook:
            return f"<em>(a picture that was not handed in: {bleach.clean(text)})</em>"

    def block_html(self, html: str) -> str:
        """Raw HTML as it is: nbconvert would parse each tag alone and so close every one."""
        return html

    def inline_html(self, html: str) -> str:
        """Raw HTML as it is."""
        return html

    def block_math(self, body: str) -> str:
        """A formula on a line of its own."""
        return formula(body, display=True)

    def inline_math(self, body: str) -> str:
        """A formula in a line."""
        return formula(body, display=False)


@pass_context
def safe_markdown(context: Any, source: str) -> str:
    """HTML of a markdown cell or output. The name of the filter is nbconvert's `markdown2html`."""
    cell: Any = context.get("cell") or {}
    resources: Any = context.get("resources") or {}
    renderer = Renderer(
        escape=False,
        attachments=cell.get("attachments", {}),
        embed_images=True,
        path=resources.get("metadata", {}).get("path", ""),
        exclude_anchor_links=True,
    )
    html: str = MarkdownWithMath(renderer=renderer).render(source)
    protocols = bleach.ALLOWED_PROTOCOLS | {"data"}
    return bleach.clean(html, tags=TAGS, attributes=_allowed, protocols=protocols)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name not in (*EVERYWHERE, *ATTRIBUTES.get(tag, [])):
        return False
    if name == "class":
        return CLASSES.fullmatch(value) is not None
    if name == "src":
        return PICTURE.match(value.strip()) is not None
    return name != "href" or not value.strip().lower().startswith("data:")
