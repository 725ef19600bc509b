"""Pictures a student pasted into a written answer: what of them is kept.

A notebook holds them as attachments of a cell: {file name: {MIME type: base64 text}}. Drawings in
SVG may hold scripts, so they are no pictures here.
"""

from __future__ import annotations

import re

from autograder.notebook.node import Node, is_array, is_object, member

TYPES = ("image/png", "image/jpeg", "image/gif")
MAX_PICTURE = 6_000_000
"""Characters of base64, a picture of 4.5 MB: a photograph of a page of handwriting fits."""
MAX_PICTURES = 10
"""In one cell."""

_MAX_NAME = 200
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def pictures_of(cell: object) -> Node:
    """The cell's attachments that are pictures, by file name; anything else is left out."""
    kept = Node()
    attachments = member(cell, "attachments")
    for name, bundle in attachments.items() if is_object(attachments) else ():
        pictures = Node({kind: data for kind in TYPES if (data := _data(member(bundle, kind)))})
        if pictures and _is_name(name) and len(kept) < MAX_PICTURES:
            kept[name] = pictures
    return kept


def loses_pictures(cell: object) -> bool:
    """Whether the cell has an attachment that `pictures_of` leaves out."""
    attachments = member(cell, "attachments")
    return is_object(attachments) and len(pictures_of(cell)) < len(attachments)


def _data(value: object) -> str | None:
    """Base64 on one line; None when it is too much or something else."""
    if is_array(value) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str) or len(value) > MAX_PICTURE:
        return None
    data = "".join(value.split())
    return data if _BASE64.fullmatch(data) else None


def _is_name(name: object) -> bool:
    """Whether it can be written to a file again: half a surrogate pair cannot."""
    return isinstance(name, str) and len(name) <= _MAX_NAME and name.isprintable()
