"""The generated pages say what the code says, and the built site holds every page of the menu."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
import typer
import yaml

from tests.leaks.finder import Hidden, leaks_in
from tests.leaks.planting import hidden_bodies
from tests.leaks.reading import Reader

HINTS = {"nudge": "Look at it.", "idea": "Think of it.", "worked_step": "Write it down."}
LAB = {
    "name": "lab99_sums",
    "title": "Sums and their limits",
    "able_to": ["add two numbers", "say when not to", "explain a carry"],
    "minutes": 30,
    "difficulty": 2,
    "importance": 3,
    "prerequisites": ["counting"],
    "exercises": [
        {"name": "add", "title": "Add a | b safely", "points": 3, "minutes": 5, "hints": HINTS}
    ],
    "written": [{"name": "why", "title": "Why it is so", "points": 2}],
}


@pytest.fixture(scope="module")
def pages(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_pages", repository / "tools/site_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_lab_is_listed_with_what_it_takes(pages: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "lab99_sums").mkdir()
    (tmp_path / "lab99_sums" / "lab.yml").write_text(yaml.safe_dump(LAB), encoding="utf-8")
    text = pages.labs_page(tmp_path)
    assert "## Sums and their limits" in text
    assert "30 minutes · easy · 3 points by the judge · 2 points by a person" in text
    assert "| `add` | Add a \\| b safely | 3 | 5 |" in text
    assert "labkit start lab99_sums" in text


def test_no_lab_is_said_plainly(pages: ModuleType, tmp_path: Path) -> None:
    assert "No lab is released yet." in pages.labs_page(tmp_path)


def test_every_command_is_on_the_page_with_its_options(pages: ModuleType) -> None:
    app, course = typer.Typer(), typer.Typer()

    @app.command()
    def look(lab: str, far: Annotated[bool, typer.Option(help="Look far | wide.")] = False) -> None:
        """Look at a lab."""

    @app.command(hidden=True)
    def secret() -> None:
        """Not for the page."""

    @course.command()
    def init(folder: Path) -> None:
        """Make a course."""

    app.add_typer(course, name="course")
    text = pages.cli_page(app)
    assert "## labkit look" in text
    assert "Look far \\| wide." in text
    assert "--far" in text
    assert "## labkit course init" in text
    assert "secret" not in text


class Links(HTMLParser):
    """Collects what a page loads, images without a description, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.blind: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe"} and given.get("src"):
            self.loads.append(str(given["src"]))
        if tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.loads.append(str(given["href"]))
        if tag == "img" and not given.get("alt"):
            self.blind.append(str(given.get("src")))


def test_no_page_loads_anything_from_another_server(built_site: Path) -> None:
    found = sorted(built_site.rglob("*.html"))
    assert len(found) >= 9
    for path in found:
        links = Links()
        links.feed(path.read_text(encoding="utf-8"))
        assert [url for url in links.loads if re.match(r"(?:https?:)?//", url)] == [], path
        assert links.blind == [], path


def test_nothing_hidden_is_published(built_site: Path) -> None:
    names = {path.name for path in built_site.rglob("*")}
    assert names.isdisjoint({"judge.py", "notebook.py", "mistakes", "alternatives"})


def test_no_page_and_no_search_index_holds_a_hidden_function(
    built_site: Path, repository: Path
) -> None:
    bodies = {}
    for lab in sorted(repository.glob("solutions/lab*")):
        bodies |= hidden_bodies(lab)
    indexes = sorted(built_site.glob("search/search_index.*"))
    assert indexes and all("LoRA" in index.read_text("utf-8") for index in indexes)
    files = [*indexes, *sorted(built_site.rglob("*.html"))]
    assert len(files) > 10 and len(bodies) > 60
    hidden, reader = Hidden(bodies=bodies), Reader()
    found = {str(path): leaks_in(path.read_bytes(), hidden, reader) for path in files}
    assert {path: leaks for path, leaks in found.items() if leaks} == {}
