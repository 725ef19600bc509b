"""You do not hand the learning rate on to the optimizer."""


def train(tokens, steps, learning_rate):
    client = connect().create_lora_training_client(preset().base_model, rank=4, seed=1)
    given = {"target_tokens": tokens[1:], "weights": [1.0] * (len(tokens) - 1)}
    inputs = tinker.ModelInput.from_ints(tokens[:-1])
    losses = []
    for _ in range(steps):
        datum = tinker.Datum(model_input=inputs, loss_fn_inputs=given)
        loss = client.forward_backward([datum], "cross_entropy")
        client.optim_step(tinker.AdamParams()).result()
        losses.append(loss.result().metrics["loss:sum"])
    client.save_state("end").result()
    return losses
