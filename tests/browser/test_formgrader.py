"""formgrader on a real Jupyter server: the pages work without the internet, its button grades."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from autograder.course import Course
from autograder.grading import gradebook

LAB = "lab90_tiny"
pytestmark = pytest.mark.jail


def open_submission(page: Page, formgrader: str, student: str) -> None:
    """Go to the page on which a person grades this student."""
    address = f"{formgrader}/api/submitted_notebooks/{LAB}/{LAB}"
    known: list[dict[str, Any]] = json.loads(page.request.get(address).text())
    (found,) = (entry["id"] for entry in known if entry["student"] == student)
    page.goto(f"{formgrader}/submissions/{found}/", wait_until="networkidle")


def test_its_lists_show_the_lab_and_every_hand_in(watched, formgrader: str) -> None:
    page = watched.page
    page.goto(f"{formgrader}/manage_assignments")
    expect(page.locator("#main-table")).to_contain_text(LAB)
    page.goto(f"{formgrader}/manage_submissions/{LAB}")
    for row in ("Lima, Ana", "Ek, Bo", "Ng, Cy", "<Maker>, Mallory"):
        expect(page.locator("#main-table")).to_contain_text(row)
    expect(page.locator("tr", has_text="Ek, Bo")).to_contain_text("4 / 9")
    assert watched.outside == watched.complaints == []


def test_a_submission_shows_the_report_beside_the_score_fields(watched, formgrader: str) -> None:
    page = watched.page
    open_submission(page, formgrader, "bo")
    expect(page.locator("#check_scale")).to_have_attribute("placeholder", "0")
    expect(page.locator("#check_counter")).to_have_attribute("placeholder", "2")
    expect(page.get_by_text("You divide by the sum; the mean")).to_be_visible()
    assert page.locator("img.math").evaluate_all("all => all.every(i => i.naturalWidth > 0)")
    assert page.locator("img.math").count() == 2
    assert watched.outside == watched.complaints == []


def test_points_given_by_hand_are_saved(watched, formgrader: str, graded: Course) -> None:
    page = watched.page
    open_submission(page, formgrader, "ana")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url) as saved:
        page.locator("#explain_scale").fill("1.5")
        page.locator("#explain_scale").press("Tab")
    assert saved.value.ok
    assert gradebook.totals(graded, LAB)["ana"].score == 8.5
    assert watched.outside == watched.complaints == []


def test_a_hostile_submission_does_nothing_to_the_grader(watched, formgrader: str) -> None:
    page = watched.page
    open_submission(page, formgrader, "mal")
    page.get_by_text("click", exact=True).click()
    assert page.evaluate("[window.owned, typeof owned]") == [None, "undefined"]
    assert page.locator("#explain_scale").count() == 1
    expect(page.locator("input#explain_scale")).to_be_editable()
    expect(page.locator(".rendered_html", has_text="I wrote this.")).to_be_visible()
    assert page.locator("#notebook :is(script, iframe, form, svg)").count() == 0
    assert watched.outside == []
    assert not [line for line in watched.complaints if "404" not in line]


def test_its_autograde_button_gives_what_labkit_grade_gave(
    watched, formgrader: str, graded: Course
) -> None:
    before = gradebook.totals(graded, LAB), gradebook.automatic_points(graded, LAB)
    shutil.rmtree(graded.verdicts)  # so that the server has to judge for itself
    page = watched.page
    page.goto(f"{formgrader}/manage_submissions/{LAB}")
    page.locator("tr", has_text="Ek, Bo").locator(".autograde a").click()
    done = page.locator(".modal-title, .modal-body").filter(has_text="Success")
    done.first.wait_for(timeout=120_000)
    assert len(list(graded.verdicts.rglob("*.json"))) == 1
    assert (gradebook.totals(graded, LAB), gradebook.automatic_points(graded, LAB)) == before
    assert watched.outside == watched.complaints == []
