# %% tags=["setup"]
# %% tags=["tools"]
from autograder.check import check


# %% tags=["solution"] grade_id="clamp"
def clamp(x: int, low: int, high: int) -> int:
    """Limit x to [low, high]; ValueError when low > high."""
    ### BEGIN SOLUTION
    if low > high:
        raise ValueError(f"low {low} is above high {high}")
    if x < low:
        return low
    return high if x > high else x
    ### END SOLUTION


# %% tags=["check"] grade_id="check_clamp"
check("clamp")
