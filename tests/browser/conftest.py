"""A headless Chromium, pages that tell what they asked for, and a graded course to look at."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from autograder.course import Course
from tests.browser.server import served
from tests.browser.solving import solve

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAB = "lab90_tiny"
ROSTER = "id,name\nana,Ana Lima\nbo,Bo Ek\ncy,Cy Ng\nmal,Mallory <Maker>\nnil,Nils Holm\n"
QUESTION = """
# %% [markdown]
# The mean of $x$ is $\\bar{x} = \\frac{1}{n} \\sum_i x_i$.
#
# $$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$

# %% [markdown] tags=["written"] grade_id="explain_scale"
# Why is the order of the two steps free?
"""
WRITTEN = """\
written:
  - name: explain_scale
    title: Why the order is free
    points: 2
    rubric: ["2 points: says that both are products"]
"""
ANSWER = (
    "Both are **products**, and $ab = ba$.\n\n| first | then |\n|---|---|\n| divide | times |\n"
)
HOSTILE_ANSWER = """\
<img src=x onerror="window.owned=1"><script>window.owned=2</script> I wrote **this**.
<svg onload="window.owned=3"><script>window.owned=4</script></svg>

[click](javascript:window.owned=5) ![p](http://203.0.113.7/p.png) <iframe src="//203.0.113.7/">

<style>body{display:none}</style><form action="http://203.0.113.7/"><button>Log in</button></form>

$\\href{javascript:window.owned=6}{x}$ $a<img src=x onerror=window.owned=7>b$ {{ 7 * 191 }}
"""
HOSTILE_CODE = {
    "scale": """\
def scale(values, target):
    return "<img src=x onerror=window.owned=8></code><script>window.owned=9</script> **b** $x$"
""",
    "ratio": """\
# </pre><script>window.owned=10</script><img src=x onerror=window.owned=11>
def ratio(a, b):
    raise RuntimeError("<img src=x onerror=window.owned=12></pre><script>owned=13</script>")
""",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one the test is skipped, or fails where CI promised one."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        reason = "no Chromium on PATH: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the tests of a file.

    No longer: while playwright runs, its event loop does, and later tests could start none.
    """
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@dataclass
class Watched:
    """A page with what it asked for and what it complained about."""

    page: Page
    requests: list[str]
    complaints: list[str]

    @property
    def outside(self) -> list[str]:
        """Requests that left this machine, or tried to."""
        ours = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:")
        return [url for url in self.requests if not url.startswith(ours)]


@contextmanager
def watching(browser: Browser) -> Iterator[Watched]:
    """A fresh page with no memory of the others, watched from the start."""
    with browser.new_context() as context:
        page = context.new_page()
        seen = Watched(page, [], [])
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on(
            "console",
            lambda line: seen.complaints.append(line.text) if line.type == "error" else None,
        )
        yield seen


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page of this test's own."""
    with watching(browser) as seen:
        yield seen


@pytest.fixture
def page(watched: Watched) -> Page:
    """The same, for who does not ask what it saw."""
    return watched.page


@pytest.fixture(scope="module")
def executed(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The lab called `PAGE` in the test's file, solved in JupyterLab: the notebook as saved."""
    with watching(browser) as seen:
        saved = solve(request.module.PAGE, seen.page, tmp_path_factory.mktemp("jupyterlab"))
    assert seen.outside == []
    return saved


def make_lab(source: Path, solutions: Path) -> None:
    """The tiny lab with formulas and a question to answer in words."""
    hidden = shutil.ignore_patterns(".*", "__pycache__")
    folder = Path(shutil.copytree(source, solutions / LAB, ignore=hidden))
    for name, more in {"notebook.py": QUESTION, "lab.yml": WRITTEN}.items():
        (folder / name).write_text((folder / name).read_text() + more)


def answers_of(course: Course) -> dict[str, dict[str, str]]:
    """What each student wrote, by grade_id. Cy hands in the stub, Nils nothing."""
    from autograder.notebook import source_of

    source = json.loads((course.root / "source" / LAB / f"{LAB}.ipynb").read_text())
    right = {cell["id"]: cell["source"] for cell in source["cells"] if cell["cell_type"] == "code"}
    _, mistake = source_of(course.solution_dir(LAB) / "mistakes" / "scale__sum.py")
    right = {name: right[name] for name in ("scale", "counter", "ratio")}
    return {
        "ana": right | {"explain_scale": ANSWER},
        "bo": right | {"scale": mistake},
        "cy": {},
        "mal": right | HOSTILE_CODE | {"explain_scale": HOSTILE_ANSWER},
    }


def write_hand_ins(course: Course, folder: Path) -> None:
    """The release with each student's answers, as files to collect."""
    release = json.loads(course.release_path(LAB).read_text())
    for student, answers in answers_of(course).items():
        notebook: Any = json.loads(json.dumps(release))
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        path = folder / student / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))


def make_course(base: Path, source: Path) -> Course:
    """A graded course with feedback pages and the overview."""
    from autograder.collect import collect
    from autograder.course_init import init_course
    from autograder.grading import grade_lab
    from autograder.grading.pages import write_feedback
    from autograder.report.overview import overview
    from autograder.report.page import write_page
    from autograder.report.rows import rows_of

    make_lab(source, base / "solutions")
    roster = base / "roster.csv"
    roster.write_text(ROSTER)
    root, solutions = base / "course", base / "solutions"
    course = init_course(root, roster=roster, seed="a seed", solutions=solutions)
    write_hand_ins(course, base / "hand-ins")
    collect(course, [base / "hand-ins"], lab=LAB)
    failed = [result.error for result in grade_lab(course, LAB, jobs=2) if result.error]
    assert failed == []
    write_feedback(course, LAB)
    page = course.root / "reports" / f"{LAB}.html"
    write_page(overview(LAB, course.spec(LAB).title, rows_of(course, LAB, page)), page)
    return course


@pytest.fixture(scope="session")
def graded(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Ana solved it, Bo made a known mistake, Cy handed in the stub, Mallory is hostile."""
    from autograder.grading import session
    from autograder.sandbox.probe import probe

    if probe().level is None:
        pytest.skip("no sandbox here")
    source = repository / "tests" / "judge" / "labs" / LAB
    yield make_course(tmp_path_factory.mktemp("graded"), source)
    session.close_sessions()


@pytest.fixture(scope="session")
def formgrader(graded: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of formgrader on a server of its own."""
    with served(graded.root, tmp_path_factory.mktemp("jupyter")) as address:
        yield f"{address}formgrader"
