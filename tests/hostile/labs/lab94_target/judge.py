"""Hidden cases of the lab that is attacked. CANARY_94: this text must never reach a student."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import Tolerance, agree, exercise

FLOAT32 = Tolerance(rtol=1e-4, atol=1e-6, why="float32, one division and one product each")
CANARY = "CANARY_94"

values = st.lists(st.integers(1, 50), min_size=1, max_size=5).map(
    lambda numbers: np.array(numbers, dtype=np.float32)
)
scores = st.lists(st.integers(-5, 5), min_size=2, max_size=5).map(
    lambda numbers: torch.tensor(numbers, dtype=torch.float32)
)


@exercise("scale", points=2, examples=8)
@given(values=values, target=st.integers(2, 9))
def test_scale_CANARY_94(student, reference, values, target):
    agree(student, reference, lambda s: s.scale(values, target), FLOAT32, dtypes=("float32",))


@exercise("scale", points=1, core=False, examples=4)
@given(target=st.integers(2, 9))
def test_scale_of_one(student, reference, target):
    one = np.ones(1, dtype=np.float32)
    agree(student, reference, lambda s: s.scale(one, target), FLOAT32)


@exercise("soften", points=3, examples=8)
@given(scores=scores)
def test_soften(student, reference, scores):
    agree(student, reference, lambda s: s.soften(scores), FLOAT32)


@exercise("counter", points=2, examples=6)
@given(start=st.integers(-5, 5), steps=st.lists(st.integers(-9, 9), min_size=1, max_size=3))
def test_counter(student, reference, start, steps):
    def play(s):
        counter = s.Counter(start)
        return [counter.add(n) for n in steps], counter.total

    agree(student, reference, play)
