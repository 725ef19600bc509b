"""Public cases of the tiny lab: worked examples, no reference needed."""

from autograder.judge import exercise, expect, require


@exercise("double", points=1)
def test_twice_three(student):
    expect(student.double(3), 6)


@exercise("double", points=1)
def test_twice_a_negative_number(student):
    expect(student.double(-1.5), -3.0)


@exercise("total", points=1)
def test_sum_of_nothing(student):
    expect(student.total([]), 0)


@exercise("total", points=2)
def test_mean_lies_between(student):
    got = student.mean([1.0, 2.0])
    require(1.0 < got < 2.0, expected="a number between 1 and 2", got=got)
