"""Feedback pages and the overview in a browser: marks first, inert, at home on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from autograder.course import Course

LAB = "lab90_tiny"
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}
pytestmark = pytest.mark.jail


def feedback(course: Course, student: str) -> str:
    return (course.root / "feedback" / student / LAB / f"{LAB}.html").as_uri()


def overview(course: Course) -> str:
    return (course.root / "reports" / f"{LAB}.html").as_uri()


def marks(page: Page) -> list[list[str]]:
    """The rows of the table at the top of a feedback page."""
    rows = page.locator(".marks tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


def test_a_known_mistake_shows_marks_counterexample_cause_and_next_step(
    watched, graded: Course
) -> None:
    page = watched.page
    page.goto(feedback(graded, "bo"))
    expect(page.locator("h1").first).to_have_text(f"{LAB} (Score: 4.0 / 9.0)")
    assert marks(page) == [
        ["✗ scale", "0.0 / 3.0", ""],
        ["✓ counter", "2.0 / 2.0", ""],
        ["✓ ratio", "2.0 / 2.0", ""],
        ["✗ explain_scale", "0.0 / 2.0", ""],
    ]
    page.get_by_role("link", name="scale", exact=True).click()
    report = page.locator("section.check").first
    lines = report.locator("li").all_inner_texts()
    labels = ["call", "expected", "got", "where", "cause", "next"]
    assert [line.split(": ")[0] for line in lines] == labels
    assert lines[0].startswith("call: scale(array(")
    cause = report.get_by_text("You divide by the sum; the mean is the sum divided by")
    expect(cause).to_have_css("font-weight", "600")
    assert "check(" in lines[-1]
    assert watched.outside == watched.complaints == []


def test_a_stub_is_told_where_to_begin(watched, graded: Course) -> None:
    watched.page.goto(feedback(graded, "cy"))
    text = watched.page.locator("main").inner_text()
    assert f"{LAB} (Score: 0.0 / 9.0)" in text
    assert "labkit hint lab90 scale" in text
    assert "Traceback" not in text
    assert watched.outside == watched.complaints == []


def test_an_answer_nobody_graded_yet_says_so(watched, graded: Course) -> None:
    page = watched.page
    page.goto(feedback(graded, "ana"))
    assert marks(page)[-1] == [
        "… explain_scale",
        "0.0 / 2.0",
        "a person grades this; no points so far",
    ]
    expect(page.locator(".prose td").first).to_have_text("divide")
    assert page.locator("img.math").count() == 3  # two in the question, one in the answer
    assert page.locator("img.math").evaluate_all("all => all.every(i => i.naturalWidth > 0)")
    assert watched.outside == watched.complaints == []


def test_a_hostile_students_page_shows_what_was_written_and_does_none_of_it(
    watched, graded: Course
) -> None:
    page = watched.page
    page.goto(feedback(graded, "mal"), wait_until="networkidle")
    page.get_by_text("click", exact=True).click()
    assert page.evaluate("[window.owned, typeof owned]") == [None, "undefined"]
    assert page.locator("script, iframe, form, svg").count() == 0
    text = page.locator("main").inner_text()
    for written in ("<script>window.owned=9</script>", "<script>owned=13</script>", "{{ 7 * 191"):
        assert written in text
    assert "1337" not in text
    expect(page.locator("main")).to_be_visible()  # their style sheet hid nothing
    assert watched.outside == []
    assert not [line for line in watched.complaints if "ERR_FILE_NOT_FOUND" not in line]


@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways(browser: Browser, graded: Course, size: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=size == "phone"
    )
    page = context.new_page()
    wide = {}
    addresses = [feedback(graded, student) for student in ("ana", "bo", "cy", "mal")]
    for address in [*addresses, overview(graded)]:
        page.goto(address)
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            wide[Path(address).parts[-3:]] = needed
    context.close()
    assert wide == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_overview_tells_who_got_what_and_what_went_wrong(
    watched, graded: Course, scheme: str
) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(overview(graded))
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in page.locator("tr").all_inner_texts()}
    assert rows["Ana Lima ana"] == ["7 of 7", "3 ●", "2 ●", "2 ●", "to grade"]
    assert rows["Bo Ek bo"] == ["4 of 7", "0 ◐", "2 ●", "2 ●", "0 of 2"]
    assert rows["Mallory <Maker> mal"][0] == "2 of 7"
    assert rows["Nils Holm nil"][0] == "nothing handed in"
    assert rows["scale"][-1].startswith("1 × You divide by the sum")  # noqa: RUF001
    ground = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert ground == "light dark"
    page.get_by_role("link", name="Bo Ek").click()
    expect(page.locator("h1").first).to_contain_text("Score: 4.0 / 9.0")
    assert watched.outside == watched.complaints == []
