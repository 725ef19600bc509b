"""Samplers: the adapter is in the weights, each sampler keeps its own, memory stays bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.tinker.errors import NotFoundError
from shared.tinker.service.lora import LoraShell, new_adapter
from shared.tinker.service.sampling import Samplers
from shared.tinker.service.types import LoraSpec
from tests.service.sampling_models import base_of, finish, job, prompts, random_model, tokens_of

PROMPT = prompts(1, shortest=9)[0]


@pytest.fixture
def base():
    return base_of(random_model())


def trained(base, seed=0, rank=4, **flags):
    """An adapter whose B is not zero."""
    adapter = new_adapter(base, LoraSpec(rank=rank, seed=seed, **flags))
    generator = torch.Generator().manual_seed(seed)
    for _, b in adapter.weights.values():
        b.copy_(torch.randn(b.shape, generator=generator) * 0.05)
    return adapter


def scores(samplers, name):
    asked = job("a", PROMPT, 0, prompt_logprobs=True)
    return finish(samplers.run(name), asked)["a"].prompt_logprobs[1:]


@pytest.mark.parametrize(
    "flags",
    [{}, {"train_attn": False}, {"train_mlp": False, "train_unembed": False}],
    ids=["all", "no attention", "attention"],
)
def test_a_merged_sampler_scores_as_peft_does(base, flags):
    adapter = trained(base, **flags)
    shell = LoraShell(base)
    with torch.inference_mode():
        model = shell.use(adapter.trainable())
        rows = torch.log_softmax(model(torch.tensor([PROMPT])).logits[0].double(), -1)
    samplers = Samplers()
    samplers.open("with", base, adapter)
    samplers.open("without", base)
    expected = rows[range(len(PROMPT) - 1), PROMPT[1:]]
    # float32, W + s B A rounded once against W x + s B (A x): logits of size 10 to 60.
    np.testing.assert_allclose(scores(samplers, "with"), expected, atol=5e-5)
    assert np.abs(scores(samplers, "without") - scores(samplers, "with")).max() > 0.01


def test_a_snapshot_does_not_follow_further_training(base):
    adapter, samplers = trained(base), Samplers()
    samplers.snapshot("then", base, adapter)
    before = scores(samplers, "then")
    for _, b in adapter.weights.values():
        b.mul_(3)
    samplers.snapshot("now", base, adapter)
    assert np.array_equal(scores(samplers, "then"), before)
    assert not np.array_equal(scores(samplers, "now"), before)


def test_weights_are_merged_once_until_the_memory_is_needed(base, monkeypatch):
    from shared.tinker.service import sampling

    one, merges = merged_bytes(base), []
    monkeypatch.setattr(
        sampling, "merge", lambda w, d, real=sampling.merge: merges.append(1) or real(w, d)
    )
    samplers = Samplers(merged_bytes=2 * one)
    for name in "abc":
        samplers.snapshot(name, base, trained(base, seed=ord(name)))
    first = scores(samplers, "a")
    assert np.array_equal(scores(samplers, "a"), first) and len(merges) == 1
    scores(samplers, "b")
    scores(samplers, "c")  # a is the one used longest ago
    assert len(merges) == 3
    assert np.array_equal(scores(samplers, "a"), first) and len(merges) == 4


def merged_bytes(base):
    samplers = Samplers()
    samplers.snapshot("x", base, trained(base))
    samplers.run("x")
    return samplers._merged["x"].own_bytes


def test_a_sampler_larger_than_the_memory_still_works(base):
    samplers = Samplers(merged_bytes=1)
    samplers.snapshot("x", base, trained(base))
    assert np.isfinite(scores(samplers, "x")).all()


def test_a_running_batch_outlives_its_sampler(base):
    samplers = Samplers()
    samplers.snapshot("x", base, trained(base))
    expected = tokens_of(finish(samplers.run("x"), job("a", PROMPT))["a"])
    run = samplers.run("x")
    run.add([job("a", PROMPT)])
    run.step()
    samplers.close("x")
    results = []
    while not run.idle:
        results.extend(run.step())
    assert tokens_of(results[0]) == expected
    with pytest.raises(NotFoundError, match="no sampler 'x'"):
        samplers.run("x")


def test_opening_a_name_again_replaces_the_sampler(base):
    samplers = Samplers()
    samplers.open("x", base, trained(base, seed=1))
    first = scores(samplers, "x")
    samplers.open("x", base)
    assert not np.array_equal(scores(samplers, "x"), first)
    samplers.close("x")
    samplers.close("x")


def test_samplers_do_not_disturb_training(base):
    shell = LoraShell(base)
    model = shell.use(trained(base).trainable())

    def gradients():
        parameters = [p for p in model.parameters() if p.requires_grad]
        loss = model(torch.tensor([PROMPT])).logits.log_softmax(-1).mean()
        return torch.autograd.grad(loss, parameters)

    before = gradients()
    samplers = Samplers()
    samplers.snapshot("s", base, trained(base, seed=5))
    finish(samplers.run("s"), job("a", PROMPT, 4))
    for old, new in zip(before, gradients(), strict=True):
        assert torch.equal(old, new)
