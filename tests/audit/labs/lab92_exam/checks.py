"""Public cases."""

from autograder.judge import exercise, expect


@exercise("clamp")
def test_inside(student):
    expect(student.clamp(2, 1, 3), 2)


@exercise("clamp")
def test_below(student):
    expect(student.clamp(0, 1, 3), 1)


@exercise("clamp")
def test_above(student):
    expect(student.clamp(5, 1, 3), 3)
