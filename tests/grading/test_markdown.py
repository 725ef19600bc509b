"""What a student may write into a page others read, and how formulas look in it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.grading.formulas import formula
from autograder.grading.markdown import safe_markdown


def html(source: str, *, path: Path | None = None) -> str:
    resources: dict[str, Any] = {"metadata": {"path": str(path or "")}}
    context: Any = {"cell": SimpleNamespace(get=lambda name, other: other), "resources": resources}
    return safe_markdown(context, source)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href='java\nscript:alert(1)'>a</a>",
        "<iframe src='https://example.com'></iframe>",
        "<div style='position:fixed'>x</div>",
        "![a](https://example.com/x.png)",
        "![a](//example.com/x.png)",
        "![a](/\\example.com/x.png)",
        "<form action='https://example.com'><input></form>",
    ],
)
def test_nothing_runs_and_nothing_is_fetched(source: str) -> None:
    made = html(source)
    assert not re.search(r"<(script|iframe|form|input)|\son\w+=|style=", made)
    assert not re.search(r"""<[^>]+(src|href)=["'](?!x["'])""", made)


def test_ordinary_markdown_stays_as_it_is() -> None:
    made = html("**bold** `x<y`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[t](https://example.com)")
    for part in ("<strong>bold</strong>", "<code>x&lt;y</code>", "<td>1</td>", 'href="https://'):
        assert part in made


def test_inline_html_keeps_what_is_between_its_tags() -> None:
    assert "<code>f&#40;1)</code>".replace("&#40;", "(") in html("got: <code>f&#40;1)</code>")


def test_pictures_beside_the_notebook_become_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a.png").write_bytes(b"png")
    assert "data:image/png;base64,cG5n" in html("![words](figures/a.png)", path=tmp_path)


def test_a_lost_attachment_is_a_sentence() -> None:
    assert "not handed in: my plot" in html("![my plot](attachment:plot.png)")


@pytest.mark.parametrize(
    "tex", [r"W + \frac{\alpha}{r} B A", r"\Delta W \in \mathbb{R}^{d}", "a<b"]
)
def test_a_formula_is_a_picture_with_its_tex_as_text(tex: str) -> None:
    made = html(f"so ${tex}$ holds")
    (data,) = re.findall(r"base64,([\w+/=]+)", made)
    assert "<path" in base64.b64decode(data).decode()
    assert f'alt="{tex.replace("<", "&lt;")}"' in made
    assert html(f"so ${tex}$ holds") == made


@pytest.mark.parametrize(
    "tex", [r"\begin{cases} a \\ b \end{cases}", r"\nosuch", "x" * 1000, "{" * 400]
)
def test_a_formula_that_cannot_be_set_stays_tex(tex: str) -> None:
    assert formula(tex, display=False) == f"<code>{tex}</code>"


@pytest.mark.parametrize(
    "source",
    [
        "<span id='check_scale'>5</span>",
        "<div class='navbar-fixed-top'>Log in</div>",
        "<img src='../../../hub/logout'>",
        "<img src='%2E./%2e%2e/hub/logout'>",
    ],
)
def test_nothing_passes_for_a_part_of_the_page_around_it(source: str) -> None:
    assert not re.search(r"<[^>]+(id|class|src)=", html(source))


def test_code_keeps_its_colours() -> None:
    assert '<span class="k">def</span>' in html("```python\ndef f(): pass\n```")
