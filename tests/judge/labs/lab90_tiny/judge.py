"""Hidden cases of the tiny lab. CANARY_7f3a: this text must never reach a student."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import EXACT, Tolerance, agree, exercise, require

CANARY = "CANARY_7f3a"
FLOAT32 = Tolerance(rtol=1e-4, atol=1e-6, why="float32, one division and one product each")

values = st.lists(st.integers(1, 50), min_size=1, max_size=6).map(
    lambda numbers: np.array(numbers, dtype=np.float32)
)


@exercise("scale", points=2)
@given(values=values, target=st.integers(1, 9))
def test_scale_CANARY_7f3a(student, reference, values, target):
    agree(student, reference, lambda s: s.scale(values, target), FLOAT32, dtypes=("float32",))


@exercise("scale", points=1, core=False)
def test_zero_mean(student):
    got = student.scale(np.array([1.0, -1.0], dtype=np.float32), 2)
    require(list(got) == [1.0, -1.0], expected="[1.0, -1.0], unchanged", got=got)


@exercise("counter", points=2)
@given(start=st.integers(-5, 5), steps=st.lists(st.integers(-9, 9), max_size=5))
def test_counter(student, reference, start, steps):
    def play(s):
        counter = s.Counter(start)
        totals = [counter.add(n) for n in steps]
        return totals, counter.total

    agree(student, reference, play)


@exercise("ratio", points=1)
@given(a=st.integers(-9, 9), b=st.integers(1, 9))
def test_ratio(student, reference, a, b):
    secret = "CANARY_7f3a"
    agree(
        student,
        reference,
        lambda s: s.run("result = ratio(a, b)  # " + secret, a=a, b=b, shown=f"ratio({a}, {b})"),
        Tolerance(rtol=1e-12, why="float64, one division"),
    )


@exercise("ratio", points=1, core=False)
@given(a=st.integers(-9, 9))
def test_zero_is_refused(student, reference, a):
    agree(student, reference, lambda s: s.ratio(a, 0), EXACT)
