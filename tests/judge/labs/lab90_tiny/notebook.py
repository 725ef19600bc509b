# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # A tiny lab

# %% tags=["setup"]
import numpy as np


# %% tags=["solution"] grade_id="scale"
def scale(values, target):
    """`values` (n,) float32, n >= 1, scaled so that their mean is `target`; dtype kept.

    Zero mean: the values come back unchanged.
    """
    ### BEGIN SOLUTION
    mean = values.mean()
    return values if mean == 0 else (values / mean * target).astype(values.dtype)
    ### END SOLUTION


# %% tags=["check"] grade_id="check_scale"
check("scale")


# %% tags=["solution"] grade_id="counter"
class Counter:
    """`add(n)` adds n and returns the new total; `total` is the total so far."""

    ### BEGIN SOLUTION
    def __init__(self, start):
        self.total = start

    def add(self, n):
        self.total += n
        return self.total

    ### END SOLUTION


# %% tags=["check"] grade_id="check_counter"
check("counter")


# %% tags=["solution"] grade_id="ratio"
def ratio(a, b):
    """a / b for integers; ValueError when b is 0."""
    ### BEGIN SOLUTION
    if b == 0:
        raise ValueError("b must not be 0")
    return a / b
    ### END SOLUTION


# %% tags=["check"] grade_id="check_ratio"
check("ratio")
