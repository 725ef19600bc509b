"""Public cases of the tiny lab."""

import numpy as np

from autograder.judge import Tolerance, exercise, expect, refuses


@exercise("scale")
def test_scale_example(student):
    got = student.scale(np.array([1, 3], dtype=np.float32), 4)
    expect(got, np.array([2, 6], dtype=np.float32), Tolerance(rtol=1e-5, why="float32"))


@exercise("counter")
def test_counter_counts(student):
    counter = student.Counter(1)
    expect(counter.add(2), 3)
    expect(counter.total, 3)


@exercise("ratio")
def test_ratio_example(student):
    expect(student.ratio(1, 4), 0.25)


@exercise("ratio")
def test_ratio_refuses_zero(student):
    refuses(student, lambda s: s.ratio(1, 0), ValueError)
