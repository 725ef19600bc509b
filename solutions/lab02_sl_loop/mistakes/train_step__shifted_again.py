"""You shift inputs and targets once more. A datum is shifted already: trained like this, the model
learns to skip a token."""

from collections.abc import Sequence

import tinker


def train_step(client: tinker.TrainingClient, batch: Sequence[tinker.Datum], lr: float) -> float:
    if not batch:
        raise ValueError("the batch is empty; there is nothing to train on.")
    shifted = []
    for datum in batch:
        tokens = datum.model_input.to_ints()
        inputs = {name: array.data[1:] for name, array in datum.loss_fn_inputs.items()}
        read = tinker.ModelInput.from_ints(tokens[:-1])
        shifted.append(tinker.Datum(model_input=read, loss_fn_inputs=inputs))
    computed = client.forward_backward(shifted, "cross_entropy")
    stepped = client.optim_step(tinker.AdamParams(learning_rate=lr, eps=1e-8))
    outputs = computed.result().loss_fn_outputs
    stepped.result()
    logprobs = [output["logprobs"].to_numpy() for output in outputs]
    weights = [datum.loss_fn_inputs["weights"].to_numpy() for datum in shifted]
    return weighted_nll(logprobs, weights)[1]
