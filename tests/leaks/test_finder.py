"""The search for leaks finds one in every hiding place, and none where there is none."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.leaks import code
from tests.leaks.finder import Hidden, digests, leaks_below, leaks_in

MARK = "zqjudgemark"
FUNCTION = '''\
def test_scale(student, reference, values, target):
    """Told to nobody."""
    got = student.scale(values, target)
    expected = reference.scale(values, target)
    for one, other in zip(got, expected):
        require(abs(one - other) < 1e-6, expected=str(other), got=one)
'''
RENAMED = """\
def helper(a, b, c, d):
    x = a.scale(c, d)
    y = b.scale(c, d)  # a comment
    for p, q in zip(x, y):
        require(abs(p - q) < 1e-6,
                expected=str(q), got=p)
"""
BODY = "\n".join(line[4:] for line in RENAMED.splitlines()[1:])
HIDDEN = Hidden({MARK: "judge.py"}, code.bodies(FUNCTION, "judge.py"))


def notebook(**metadata: object) -> str:
    return json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    return buffer.getvalue()


def tarred(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(text.encode())
        archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def highlighted(text: str) -> str:
    """As pygments writes code into a page."""
    words = html.escape(text).replace(" ", "</span> <span class='n'>")
    return f"<!DOCTYPE html><p>Feedback</p><pre><span class='k'>{words}</span></pre><p>end</p>"


def entities(text: str) -> str:
    return "<code>" + "".join(f"&#{ord(c)};" for c in text) + "</code>"


def base64_of(data: bytes, width: int = 0) -> str:
    return (base64.encodebytes(data) if width else base64.b64encode(data)).decode()


HIDING_PLACES: dict[str, Callable[[str], str | bytes]] = {
    "plain": lambda t: t,
    "a sentence": lambda t: f"Your answer is wrong.\n{t}\nTry again.",
    "highlighted code": highlighted,
    "entities": entities,
    "an attribute": lambda t: f"<img alt='{html.escape(t)}'>",
    "a comment": lambda t: f"<p>ok</p><!--\n{html.escape(t)}\n-->",
    "a script": lambda t: f"<script>const page = {json.dumps(t)};</script>",
    "a link": lambda t: f"<a href='x?q={urllib.parse.quote_plus(t)}'>x</a>",
    "notebook metadata": lambda t: notebook(labkit={"deep": [{"er": t}]}),
    "a notebook's lines": lambda t: notebook(source=t.splitlines(keepends=True)),
    "a metadata key": lambda t: notebook(**{t: 1}),
    "JSON escapes": lambda t: json.dumps({"x": "é\n" + t}).replace("j", "\\u006a"),
    "base64": lambda t: f"<img src='data:image/png;base64,{base64_of(t.encode())}'>",
    "base64 in lines": lambda t: json.dumps({"image/png": base64_of(t.encode() * 3, 76)}),
    "base64 in base64": lambda t: base64_of(base64_of(t.encode()).encode()),
    "base64 behind other letters": lambda t: "ab" + base64_of(f"\n  \n{t}\n".encode()),
    "URL-safe base64": lambda t: base64.urlsafe_b64encode(b"\xfb\xff\n" + t.encode()).decode(),
    "hex": lambda t: f"token: {t.encode().hex()}",
    "a zip": zipped,
    "a tar": tarred,
    "a zip in base64 in a page": lambda t: f"<a href='data:x;base64,{base64_of(zipped(t))}'>x</a>",
    "gzip": lambda t: gzip.compress(t.encode()),
    "zlib in base64": lambda t: base64_of(zlib.compress(t.encode())),
    "two bytes a character": lambda t: t.encode("utf-16"),
    "a search index": lambda t: json.dumps({"docs": [{"text": highlighted(t), "title": "x"}]}),
}
NO_CODE = {"a metadata key", "a link", "base64 in lines", "two bytes a character"}
"""Where a line of marks is looked for, but whole functions need not be."""


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_a_mark_is_found_wherever_it_is(place: str) -> None:
    shown = HIDING_PLACES[place](f"SECRET = '{MARK}' # and other words")
    data = shown.encode() if isinstance(shown, str) else shown
    assert leaks_in(data, Hidden(HIDDEN.marks)) == {"judge.py"}


@pytest.mark.parametrize("source", [FUNCTION, RENAMED, BODY], ids=["as it is", "renamed", "body"])
@pytest.mark.parametrize("place", sorted(HIDING_PLACES.keys() - NO_CODE))
def test_hidden_code_is_found_wherever_it_is(place: str, source: str) -> None:
    shown = HIDING_PLACES[place](source)
    data = shown.encode() if isinstance(shown, str) else shown
    assert leaks_in(data, Hidden(bodies=HIDDEN.bodies)) == {"judge.py: test_scale"}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_where_nothing_is_hidden_nothing_is_found(place: str) -> None:
    harmless = "def scale(values, target):\n    mean = values.mean()\n    x = 1\n    return mean\n"
    shown = HIDING_PLACES[place](harmless)
    assert leaks_in(shown.encode() if isinstance(shown, str) else shown, HIDDEN) == set()


def test_a_mark_is_found_across_lines_and_in_capitals() -> None:
    for text in ("ZqJudgeMark", "zqjudge\n   mark", "zqjudge\u200bmark", "<b>zqjudge</b>mark"):
        assert leaks_in(text.encode(), HIDDEN) == {"judge.py"}


def test_files_and_their_names_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "clean.html").write_text("<p>fine</p>")
    (tmp_path / f"{MARK}.svg").write_text("<svg/>")
    (tmp_path / "page.html").write_text(highlighted(BODY))
    found = {path.name: places for path, places in leaks_below([tmp_path], HIDDEN).items()}
    assert found == {f"{MARK}.svg": {"judge.py"}, "page.html": {"judge.py: test_scale"}}


def test_of_a_file_that_is_somebody_elses_only_the_name_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "theme.js").write_text(MARK)
    theirs = digests(tmp_path / "theirs")
    (tmp_path / "changed.js").write_text(f"{MARK};")
    (tmp_path / f"{MARK}.js").write_text(MARK)
    found = leaks_below([tmp_path], HIDDEN, but=theirs)
    assert {path.name for path in found} == {"changed.js", f"{MARK}.js"}


def test_short_bodies_and_other_code_are_not_the_same() -> None:
    assert code.bodies("def f(a):\n    x = a + 1\n    return x\n", "short") == {}
    other = FUNCTION.replace("1e-6", "1e-5")
    assert code.hidden_in(other, HIDDEN.bodies) == set()
