# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # A lab to be attacked

# %% tags=["setup"]
import numpy as np
import torch


# %% tags=["solution"] grade_id="scale"
def scale(values, target):
    """`values` (n,) float32 with a mean above zero, scaled so that their mean is `target`."""
    ### BEGIN SOLUTION
    return (values / values.mean() * target).astype(values.dtype)
    ### END SOLUTION


# %% tags=["check"] grade_id="check_scale"
check("scale")


# %% tags=["solution"] grade_id="soften"
def soften(scores):
    """`scores` (n,) tensor as weights that add up to one: softmax."""
    ### BEGIN SOLUTION
    return torch.softmax(scores, dim=0)
    ### END SOLUTION


# %% tags=["check"] grade_id="check_soften"
check("soften")


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
