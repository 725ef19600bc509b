"""Many clients at once: everybody gets their own answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import tinker
from tinker import types

from tests.service.conftest import Running
from tests.service.null_engine import NAME


def test_eight_train_while_sixty_four_sample(service: Running, client_for) -> None:
    trainers = [client_for(service) for _ in range(8)]
    samplers = [client_for(service) for _ in range(4)]

    def train(client: tinker.ServiceClient) -> int:
        model = client.create_lora_training_client(NAME, rank=4).result()
        given = {"target_tokens": [2], "weights": [1.0]}
        data = [types.Datum(model_input=types.ModelInput.from_ints([1]), loss_fn_inputs=given)]
        sent = []
        for _ in range(10):
            sent.append(model.forward_backward(data, "cross_entropy"))
            sent.append(model.optim_step(types.AdamParams()))
        for one in sent:
            one.result()
        assert service.engine is not None
        return service.engine.models[model.get_info().model_id].steps

    def sample(number: int) -> list[int]:
        sampler = clients[number % len(clients)]
        prompt = types.ModelInput.from_ints([number])
        answer = sampler.sample(prompt, 1, types.SamplingParams(max_tokens=5)).result()
        return list(answer.sequences[0].tokens)

    clients = [client.create_sampling_client(base_model=NAME).result() for client in samplers]
    with ThreadPoolExecutor(24) as pool:
        trained = [pool.submit(train, client) for client in trainers]
        drawn = [pool.submit(sample, number) for number in range(64)]
        assert [one.result(60) for one in trained] == [10] * 8
        for number, one in enumerate(drawn):
            assert one.result(60) == [number + step for step in range(1, 6)]
