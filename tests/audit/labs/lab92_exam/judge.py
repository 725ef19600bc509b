"""Hidden cases."""

from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import agree, exercise

small = st.integers(-4, 4)


@exercise("clamp", points=2)
@given(x=small, low=small, width=st.integers(0, 4))
def test_values(student, reference, x, low, width):
    agree(student, reference, lambda s: s.clamp(x, low, low + width))


@exercise("clamp", points=1, core=False)
@given(x=small, low=small, gap=st.integers(1, 4))
def test_wrong_range(student, reference, x, low, gap):
    agree(student, reference, lambda s: s.clamp(x, low, low - gap))
