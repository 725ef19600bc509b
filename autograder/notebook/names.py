"""Which names a cell's code binds, read from its text.

Deliberately by regular expressions and not by `ast`: the text may be a syntax error, hold IPython
magics, or be written to exhaust a parser. Only lines at the left margin count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_DEFINES = re.compile(
    r"^(?:(?:async[ \t]+)?def[ \t]+|class[ \t]+)(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)",
    re.MULTILINE,
)
_BINDS = re.compile(
    r"^(?:async|def|class|import|from|with|for|if|while|try|match|del|global)\b"
    r"|^@|^%|^!|^[^#\n(]*=(?!=)",
    re.MULTILINE,
)


def definitions(source: str) -> frozenset[str]:
    """Functions, classes and variables that the code binds at its top level."""
    return frozenset(a or b for a, b in _DEFINES.findall(source))


def look_alike(wanted: Iterable[str], source: str) -> tuple[str, str, int] | None:
    """A name that is bound instead of one of `wanted`, with letters that only look like its own.

    Returns:
        The wanted name, the one that is there, and the place of the first other letter, from 0.
    """
    bound = definitions(source)
    for name in sorted(set(wanted) - bound):
        for other in sorted(bound):
            differ = [at for at, (a, b) in enumerate(zip(name, other, strict=False)) if a != b]
            strange = differ and all(not other[at].isascii() for at in differ)
            # Some, such as wide letters, Python itself takes for the usual ones.
            if len(name) == len(other) and strange and unicodedata.normalize("NFKC", other) != name:
                return name, other, differ[0]
    return None


def binds_something(source: str) -> bool:
    """Whether the code can leave a name behind; calls such as `print(x)` alone cannot."""
    return _BINDS.search(source) is not None


def same_text(a: str, b: str) -> bool:
    """Whether two sources are the same but for white space at line ends and around them."""
    a, b = a.strip(), b.strip()
    if a.partition("\n")[0].rstrip() != b.partition("\n")[0].rstrip():
        return False  # nearly every pair: saves splitting a cell of megabytes
    return _tidy(a) == _tidy(b)


def _tidy(source: str) -> list[str]:
    return [line.rstrip() for line in source.splitlines()]
