"""Public cases of the lab that is attacked."""

import numpy as np
import torch

from autograder.judge import Tolerance, exercise, expect

FLOAT32 = Tolerance(rtol=1e-5, why="float32, one division and one product")


@exercise("scale")
def test_scale_example(student):
    got = student.scale(np.array([1, 3], dtype=np.float32), 4)
    expect(got, np.array([2, 6], dtype=np.float32), FLOAT32)


@exercise("soften")
def test_soften_example(student):
    expect(student.soften(torch.zeros(2)), torch.tensor([0.5, 0.5]), FLOAT32)


@exercise("counter")
def test_counter_counts(student):
    expect(student.Counter(1).add(2), 3)
