"""The unmodified SDK against the service: models, training and saving."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tinker
import torch
from tinker import types

from tests.service.conftest import Running, until
from tests.service.null_engine import NAME

ClientFor = Callable[..., tinker.ServiceClient]


def datum(tokens: list[int], **inputs: object) -> types.Datum:
    given = inputs or {"target_tokens": [*tokens[1:], 9], "weights": [1.0] * len(tokens)}
    return types.Datum(model_input=types.ModelInput.from_ints(tokens), loss_fn_inputs=given)


def test_a_model_tells_what_it_is(model: tinker.TrainingClient) -> None:
    info = model.get_info()
    assert info.model_id.endswith(":train:0")
    assert (info.lora_rank, info.is_lora, info.model_data.model_name) == (8, True, NAME)
    assert info.model_data.tokenizer_id == NAME


def test_forward_backward_returns_each_datums_logprobs(model: tinker.TrainingClient) -> None:
    batch = [datum([1, 2, 3]), datum([5, 6])]
    answer = model.forward_backward(batch, "cross_entropy").result()
    found = [one["logprobs"].to_numpy() for one in answer.loss_fn_outputs]
    # float32: hundredths are not exact in it
    np.testing.assert_allclose(found[0], [-0.02, -0.03, -0.09], rtol=1e-6)
    np.testing.assert_allclose(found[1], [-0.06, -0.09], rtol=1e-6)
    assert answer.metrics["loss:sum"] == pytest.approx(0.29, rel=1e-6)


def test_targets_of_two_dimensions_come_back_in_their_shape(
    service: Running, model: tinker.TrainingClient
) -> None:
    targets = torch.arange(6).reshape(3, 2)
    wide = datum([1, 2, 3], target_tokens=targets, weights=torch.ones(3, 2))
    narrow = datum([1, 2])
    answer = model.forward_backward([wide, narrow], "cross_entropy").result()
    shapes = [one["logprobs"].to_numpy().shape for one in answer.loss_fn_outputs]
    assert shapes == [(3, 2), (2,)]


def test_sparse_tensors_arrive_dense(service: Running, model: tinker.TrainingClient) -> None:
    targets = torch.zeros(4, 50, dtype=torch.int64)
    targets[1, 7], targets[3, 0] = 11, 12
    sparse = types.TensorData.from_torch_sparse(targets)
    assert sparse.sparse_crow_indices is not None
    model.forward_backward([datum([1, 2, 3, 4], target_tokens=sparse)], "cross_entropy").result()
    assert service.engine is not None
    received = service.engine.batches[-1].data[0].inputs["target_tokens"]
    np.testing.assert_array_equal(received, targets.numpy())


def test_forward_computes_no_gradient(service: Running, model: tinker.TrainingClient) -> None:
    model.forward([datum([1, 2])], "cross_entropy").result()
    assert service.engine is not None
    assert [batch.backward for batch in service.engine.batches] == [False]


def test_loss_settings_reach_the_engine_as_numbers_and_text(
    service: Running, model: tinker.TrainingClient
) -> None:
    config = {"beta": 0.5, "mode": "token"}
    model.forward_backward([datum([1, 2])], "cross_entropy", loss_fn_config=config).result()
    assert service.engine is not None
    assert service.engine.batches[-1].config == config


def test_a_custom_loss_is_differentiated_by_the_client(
    service: Running, model: tinker.TrainingClient
) -> None:
    def loss(
        data: list[types.Datum], logprobs: list[torch.Tensor]
    ) -> tuple[torch.Tensor, dict[str, float]]:
        return (2.0 * logprobs[0]).sum(), {"own": 1.0}

    answer = model.forward_backward_custom([datum([1, 2])], loss).result()
    assert answer.metrics["own"] == 1.0
    assert "surrogate_loss:sum" in answer.metrics
    assert service.engine is not None
    weights = service.engine.batches[-1].data[0].inputs["weights"]
    np.testing.assert_array_equal(weights, [-2.0, -2.0])  # minus the loss's derivative


def test_optim_step_hands_over_every_parameter(
    service: Running, model: tinker.TrainingClient
) -> None:
    model.forward_backward([datum([1, 2])], "cross_entropy")
    answer = model.optim_step(types.AdamParams(learning_rate=0.25)).result()
    assert answer.metrics == {"grad_norm:mean": pytest.approx(0.11, rel=1e-6)}
    assert service.engine is not None
    (held,) = service.engine.models.values()
    assert (held.steps, held.learning_rates) == (1, [0.25])


def test_requests_run_in_the_order_they_were_sent(
    service: Running, model: tinker.TrainingClient
) -> None:
    sent = [model.forward_backward([datum([1, 2])], "cross_entropy") for _ in range(5)]
    steps = [model.optim_step(types.AdamParams()) for _ in range(5)]
    for one in (*sent, *steps):
        one.result()
    assert service.engine is not None
    assert service.engine.calls[-10:] == ["forward_backward"] * 5 + ["optim_step"] * 5


def test_state_is_saved_and_loaded_with_its_optimizer(
    client: tinker.ServiceClient, model: tinker.TrainingClient, service: Running
) -> None:
    model.optim_step(types.AdamParams()).result()
    path = model.save_state("one").result().path
    assert path == f"tinker://{model.get_info().model_id}/weights/one"
    again = client.create_training_client_from_state_with_optimizer(path).result()
    assert again.get_info().lora_rank == 8
    assert service.engine is not None
    assert service.engine.models[again.get_info().model_id].steps == 1


def test_a_checkpoint_without_optimizer_state_is_refused_where_it_is_needed(
    client: tinker.ServiceClient, model: tinker.TrainingClient
) -> None:
    path = model.save_weights_for_sampler("s").result().path
    assert client.create_training_client_from_state(path).result()
    with pytest.raises(tinker.RequestFailedError, match="no optimizer state"):
        client.create_training_client_from_state_with_optimizer(path).result()


def test_state_loads_into_a_live_model_the_older_way(
    model: tinker.TrainingClient, service: Running
) -> None:
    model.optim_step(types.AdamParams()).result()
    path = model.save_state("one").result().path
    model.optim_step(types.AdamParams()).result()
    with pytest.warns(FutureWarning, match="load_state"):
        model.load_state(path).result()
    assert service.engine is not None
    assert service.engine.models[model.get_info().model_id].steps == 1


def test_a_name_is_taken_until_overwrite(model: tinker.TrainingClient) -> None:
    model.save_state("one").result()
    with pytest.raises(tinker.RequestFailedError, match="exists already"):
        model.save_state("one").result()
    model.save_state("one", overwrite=True).result()


def test_telemetry_is_accepted_and_thrown_away(
    service: Running, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKER_TELEMETRY", "1")
    client = client_for(service)
    client.create_lora_training_client(NAME, rank=4).result()
    telemetry = client.holder.get_telemetry()
    assert telemetry is not None
    assert telemetry.log("test", event_data={"a": 1})
    client.close("success").result(10)
    assert service.post("/api/v1/telemetry", {"events": []}) == (200, {"status": "accepted"})


def test_a_closed_client_frees_its_models(service: Running, client_for: ClientFor) -> None:
    client = client_for(service)
    client.create_lora_training_client(NAME, rank=4).result()
    client.close("success").result()
    assert service.engine is not None
    until(lambda: service.engine and not service.engine.models)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda m: m.forward_backward([datum([1])], "ppo"), "no loss 'ppo'"),
        (lambda m: m.forward_backward([datum([1, 2], target_tokens=[1])], "cross_entropy"), "fit"),
        (lambda m: m.optim_step(types.DimuonParams(learning_rate=1.0)), "dimuon"),
        (lambda m: m.save_state("../up"), "name"),
    ],
)
def test_a_mistake_is_told_and_the_client_goes_on(
    model: tinker.TrainingClient, call: Callable, reason: str
) -> None:
    with pytest.raises(tinker.RequestFailedError, match=reason) as caught:
        call(model).result()
    assert caught.value.category == types.RequestErrorCategory.User
    assert model.forward_backward([datum([1, 2])], "cross_entropy").result().metrics


def test_an_unknown_base_model_is_refused_with_the_list(client: tinker.ServiceClient) -> None:
    with pytest.raises(tinker.RequestFailedError, match=f"Served are: {NAME}"):
        client.create_lora_training_client("some/other", rank=4).result()
    with pytest.raises(tinker.NotFoundError, match=f"Served are: {NAME}"):
        client.create_sampling_client(base_model="some/other").result()


def test_an_internal_error_hides_its_text_and_is_logged(
    service: Running, model: tinker.TrainingClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert service.engine is not None
    service.engine.fail_with = RuntimeError("secret detail")
    with pytest.raises(tinker.RequestFailedError) as caught:
        model.forward_backward([datum([1, 2])], "cross_entropy").result()
    assert caught.value.category == types.RequestErrorCategory.Server
    assert "secret detail" not in str(caught.value)
    assert "secret detail" in caplog.text
    service.engine.fail_with = None
    assert model.forward_backward([datum([1, 2])], "cross_entropy").result().metrics
