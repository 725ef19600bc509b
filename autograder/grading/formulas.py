"""TeX formulas as pictures inside the page: no script, no font and no server is needed to read it.

matplotlib sets what it knows of TeX. What it does not know (`aligned`, `cases`) stays as TeX in a
code element, which can still be read.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import Any

SIZE = 15.0
"""Font size in pixels."""
MAX_TEX = 600
_RENAMED = {
    r"\lVert": r"\Vert",
    r"\rVert": r"\Vert",
    r"\lvert": r"\vert",
    r"\rvert": r"\vert",
    r"\dots": r"\ldots",
    r"\tfrac": r"\frac",
    r"\!": "",
}


def formula(tex: str, *, display: bool) -> str:
    """HTML of one formula; `display` puts it on a line of its own."""
    picture = _picture(" ".join(tex.split()))
    if picture is None:
        html = f"<code>{escape(tex.strip())}</code>"
    else:
        data, width, height, depth = picture
        html = (
            f'<img class="math math-{depth}" alt="{escape(tex.strip(), quote=True)}" '
            f'width="{width}" height="{height}" src="data:image/svg+xml;base64,{data}">'
        )
    return f"<p>{html}</p>" if display else html


@lru_cache(maxsize=2048)
def _picture(tex: str) -> tuple[str, int, int, int] | None:
    """The formula as SVG in base64, its size in pixels and its depth in half pixels."""
    for old, new in _RENAMED.items():
        tex = tex.replace(old, new)
    if not tex or len(tex) > MAX_TEX or "$" in tex:
        return None
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser
    from matplotlib.textpath import TextPath

    try:
        font = FontProperties(size=SIZE, math_fontfamily="cm")  # pyright: ignore[reportArgumentType]
        parsed: Any = MathTextParser("path").parse(f"${tex}$", dpi=72, prop=font)
        path: Any = TextPath((0, 0), f"${tex}$", size=SIZE, prop=font)
    except Exception:  # its parser raises ValueError, RecursionError, KeyError, ...
        return None
    width, height, depth = (float(x) for x in parsed[:3])
    top, sides = height - depth + 1, 1
    whole = (width + 2 * sides, height + 2)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-sides} {-top:.2f} '
        f'{whole[0]:.2f} {whole[1]:.2f}"><path d="{_outline(path)}"/></svg>'
    )
    data = base64.b64encode(svg.encode()).decode()
    return data, round(whole[0]), round(whole[1]), min(40, round(2 * (depth + 1)))


_LETTERS = {1: "M", 2: "L", 3: "Q", 4: "C"}


def _outline(path: Any) -> str:
    """A matplotlib path in SVG's words; y points down there."""
    words: list[str] = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        if int(code) == 79:
            words.append("Z")
        elif int(code) in _LETTERS:
            numbers = [f"{x:.2f}" if i % 2 == 0 else f"{-x:.2f}" for i, x in enumerate(points)]
            words.append(_LETTERS[int(code)] + " ".join(numbers))
    return "".join(words)
