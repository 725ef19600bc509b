# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # A lab with a door to be attacked

# %% tags=["setup"]
import tinker


# %% tags=["solution"] grade_id="train"
def train(rate):
    """Take one optimizer step of learning rate `rate` on a new model; returns the rate."""
    ### BEGIN SOLUTION
    client = tinker.ServiceClient()
    model = client.create_lora_training_client("null/base", rank=4)
    model.optim_step(tinker.AdamParams(learning_rate=rate)).result()
    return rate
    ### END SOLUTION


# %% tags=["check"] grade_id="check_train"
check("train")
