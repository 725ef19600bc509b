"""Text that may come from a student, made bounded and printable.

No control character, escape sequence or text direction mark survives.
"""

from __future__ import annotations

SHORT = 80
"""Longest preview of one value."""
LONG = 240
"""Longest text of a call."""


def plain(text: str, limit: int = SHORT) -> str:
    """`text` on one line, at most `limit` characters, with nothing unprintable left in it."""
    shown = text[: limit + 1]
    if not shown.isprintable():
        shown = "".join(map(_visible, shown))
    return shown if len(shown) <= limit else shown[: limit - 3].rstrip("\\") + "..."


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
