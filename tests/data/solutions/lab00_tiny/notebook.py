# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 0, a tiny one for the tests
#
# Größe, naïve, 数: text that is not ASCII.

# %% tags=["setup"]
import math

ZERO = 0

# %% tags=["tools"]
from autograder.check import check

# %% [markdown]
# ## Exercise 1


# %% tags=["solution"] grade_id="double"
def double(x: float) -> float:
    """Return twice `x`."""
    ### BEGIN SOLUTION
    hidden_double_line = 2
    return x * hidden_double_line
    ### END SOLUTION


# %% tags=["check"] grade_id="check_double"
check("double")

# %% tags=["setup"]
NUMBERS = [1.0, 2.0, 3.0]


# %% tags=["solution"] grade_id="total"
def total(numbers: list[float]) -> float:
    """Return the sum of `numbers`; 0 for none."""
    ### BEGIN SOLUTION
    return math.fsum(numbers)  # hidden total line
    ### END SOLUTION


def mean(numbers: list[float]) -> float:
    """Return the mean of `numbers`, which are not empty."""
    ### BEGIN SOLUTION
    return total(numbers) / len(numbers)
    ### END SOLUTION


# %% tags=["check"] grade_id="check_total"
check("total")

# %% tags=["demo"]
print(double(total(NUMBERS)))

# %% [markdown]
# Why is the sum of nothing zero?

# %% [markdown] tags=["written"] grade_id="explain_zero"
# ### BEGIN SOLUTION
# Zero is the neutral element: a hidden sentence of the reference answer.
# ### END SOLUTION
