"""A roster that is wrong is refused with the lines that are wrong."""

from __future__ import annotations

import pytest

from autograder.errors import CourseError
from autograder.roster import Student, parse_roster


def test_a_roster_may_have_more_columns_blank_lines_and_quoted_names() -> None:
    text = 'Name,id,email\n"Lima, Ana",ana,a@x\n\n Bo Ek , bo ,\n'
    students = parse_roster(text, "roster.csv")
    assert students == {"ana": Student("ana", "Lima, Ana"), "bo": Student("bo", "Bo Ek")}
    assert (students["bo"].first_name, students["bo"].last_name) == ("Bo", "Ek")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the columns are missing. A roster starts with the line: id,name"),
        ("student,name\na,b\n", "line 1: the columns are student, name."),
        ("id,name\nana\n", "line 2: 1 values, expected 2"),
        ("id,name\n../x,A\n", "line 2: '../x' cannot be a student id."),
        ("id,name\n*,A\n", "line 2: '*' cannot be a student id."),
        ("id,name\na b,A\n", "line 2: 'a b' cannot be a student id."),
        ("id,name\nana,A\nAna,B\n", "line 3: the id 'Ana' is used twice (also for A)."),
        ("id,name\n,A\n", "line 2: '' cannot be a student id."),
    ],
)
def test_a_wrong_line_is_named(text: str, problem: str) -> None:
    with pytest.raises(CourseError) as caught:
        parse_roster(text, "roster.csv")
    assert problem in str(caught.value)


def test_every_wrong_line_is_named_at_once() -> None:
    with pytest.raises(CourseError) as caught:
        parse_roster("id,name\n*,A\nana,A\n/,B\n", "roster.csv")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "roster.csv, line 2",
        "roster.csv, line 4",
    ]
