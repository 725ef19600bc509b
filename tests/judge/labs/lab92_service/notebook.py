# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # A lab that trains

# %% tags=["setup"]
import tinker

from shared.tinker import connect, preset


# %% tags=["solution"] grade_id="train"
def train(tokens, steps, learning_rate):
    """Train a new LoRA model (rank 4, seed 1) on `tokens`: `steps` steps of cross-entropy.

    Every token after the first is a target of weight 1. Returns the losses; the state is
    saved as "end".
    """
    ### BEGIN SOLUTION
    client = connect().create_lora_training_client(preset().base_model, rank=4, seed=1)
    given = {"target_tokens": tokens[1:], "weights": [1.0] * (len(tokens) - 1)}
    inputs = tinker.ModelInput.from_ints(tokens[:-1])
    datum = tinker.Datum(model_input=inputs, loss_fn_inputs=given)
    losses = []
    for _ in range(steps):
        loss = client.forward_backward([datum], "cross_entropy")
        client.optim_step(tinker.AdamParams(learning_rate=learning_rate)).result()
        losses.append(loss.result().metrics["loss:sum"])
    client.save_state("end").result()
    return losses
    ### END SOLUTION


# %% tags=["check"] grade_id="check_train"
check("train")


# %% tags=["solution"] grade_id="double"
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% tags=["check"] grade_id="check_double"
check("double")
