"""No file that a student gets holds a hidden case, a reference, a known mistake or a rubric."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import material
import pytest

from autograder.grading import session
from autograder.sandbox.probe import probe
from shared.models.base import PACKAGE
from tests.leaks.finder import Hidden, digests, leaks_below, leaks_in
from tests.leaks.planting import MARKS
from tests.leaks.term import GRADED, KNOWN, PUBLIC, PUBLIC_PLACES, Term, make_term

pytestmark = [pytest.mark.jail, pytest.mark.slow]


@pytest.fixture(scope="module")
def term(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Term]:
    """A term that is over: everything is released, graded and fed back."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    root = tmp_path_factory.mktemp("marked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_ROOT", str(root))
        yield make_term(repository, root)
        session.close_sessions()


def code_in(file: bytes, term: Term) -> set[str]:
    return leaks_in(file, Hidden(bodies=term.hidden.bodies))


def test_the_labs_are_full_of_marks_and_hidden_code(term: Term) -> None:
    found = leaks_below([term.root / "solutions"], Hidden(MARKS))
    assert set().union(*found.values()) == set(MARKS.values())
    assert len(term.hidden.bodies) > 100
    for source in (term.root / "solutions").rglob("judge*.py"):
        lines = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
        assert sum("zqmarkjudge" in line for line in lines) > 0.85 * len(lines)
        code = "snippets" not in source.name  # which are strings
        assert bool(code_in(source.read_bytes(), term)) == code


def test_wrong_answers_of_every_kind_got_their_pages(term: Term) -> None:
    assert len(term.pages) == len(term.graded) == len(term.course.handed_in(GRADED)) == 4
    told = "".join(page.read_text("utf-8") for page in term.pages)
    for words in ("not right yet", "stopped with an error", "took too long", "not attempted"):
        assert words in told
    for seen in ("12345", "ZeroDivisionError", "meant per million tokens"):
        assert seen in told
    spied = (term.course.root / "feedback" / "spy").rglob("*.html")
    assert html.unescape(next(spied).read_text("utf-8")).count("nothing in many texts") >= 9


def test_no_page_and_no_graded_notebook_holds_anything_hidden(term: Term) -> None:
    folders = [term.course.root / "feedback", term.course.root / "autograded"]
    theirs = f"mistakes/{KNOWN}.py: "  # the student who makes it wrote that code
    leaks = {
        path: places
        for path, found in leaks_below(folders, term.hidden).items()
        if (places := {one for one in found if "second" not in path.parts or theirs not in one})
    }
    assert leaks == {}


def test_no_page_of_the_site_and_no_search_index_holds_anything_hidden(term: Term) -> None:
    shown = (term.site / "labs" / "index.html").read_text("utf-8")
    index = (term.site / "search" / "search_index.json").read_text("utf-8")
    assert GRADED in shown and GRADED in index
    theme = digests(Path(material.__file__).parent / "templates")
    assert leaks_below([term.site], term.hidden, but=theme) == {}


def test_no_release_and_no_kit_holds_anything_hidden(term: Term) -> None:
    released = [term.root / "labs", term.course.root / "release", term.kit]
    assert all(list(folder.rglob(f"{GRADED}.ipynb")) for folder in released)
    assert leaks_below(released, term.hidden, but=digests(PACKAGE)) == {}


def test_what_everybody_may_read_is_found_wherever_it_is(term: Term) -> None:
    """Word, picture and code go through the same commands: what hides them would hide a leak."""
    released = [folder / GRADED for folder in (term.root / "labs", term.kit / "labs")]
    places = [path / f"{GRADED}.ipynb" for path in released]
    places += [term.pages[0], term.graded[0], term.site / "about.html"]
    index = [term.site / "search" / name for name in ("search_index.json", "search_index.js")]
    found = {path: leaks_in(path.read_bytes(), PUBLIC) for path in (*places, *index)}
    assert found == dict.fromkeys(places, PUBLIC_PLACES) | dict.fromkeys(
        index,
        PUBLIC_PLACES - {"a picture"},  # the search leaves pictures out
    )


def in_text(file: str, leak: str) -> str:
    return file.replace("</body>", f"<pre>{html.escape(leak)}</pre></body>")


def in_base64(file: str, leak: str) -> str:
    packed = base64.b64encode(leak.encode()).decode()
    return file.replace("</body>", f"<img src='data:image/png;base64,{packed}'></body>")


def in_metadata(file: str, leak: str) -> str:
    notebook = json.loads(file)
    notebook["cells"][-1]["metadata"]["labkit"] = {"notes": [leak]}
    return json.dumps(notebook)


def in_an_output(file: str, leak: str) -> str:
    notebook = json.loads(file)
    picture = base64.encodebytes(leak.encode()).decode()
    shown = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    notebook["cells"][-1]["outputs"] = [shown]
    return json.dumps(notebook)


def in_the_index(file: str, leak: str) -> str:
    index = json.loads(file)
    index["docs"][-1]["text"] += f"<p>See</p><pre>{html.escape(leak)}</pre>"
    return json.dumps(index)


PLANTED: dict[str, dict[str, Callable[[str, str], str]]] = {
    "pages": {"judge_inputs.py": in_text, "judge.py": in_base64},
    "graded": {"judge_inputs.py": in_metadata, "judge.py": in_an_output},
    "index": {"judge_inputs.py": in_the_index},
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_leak_into_a_real_file_is_found(term: Term, place: str) -> None:
    """A hidden file in each hiding place: its marks are found, and its code is."""
    index = term.site / "search" / "search_index.json"
    path = {"pages": term.pages[0], "graded": term.graded[0], "index": index}[place]
    file = path.read_text("utf-8")
    for name, plant in PLANTED[place].items():
        file = plant(file, (term.root / "solutions" / GRADED / name).read_text("utf-8"))
    found = leaks_in(file.encode(), term.hidden)
    assert "a hidden case" in found
    assert {one.split(": ")[0] for one in found - {"a hidden case"}} == set(PLANTED[place])
