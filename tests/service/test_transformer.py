"""The sampler's own forward pass computes what transformers computes, from shared weights."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from shared.tinker.errors import UnsupportedError
from shared.tinker.service.kv_cache import TOGETHER, Cache, prefill
from shared.tinker.service.transformer import base_weights, merge
from tests.service.sampling_models import SIZES, prompts, random_model

# float32: the same products summed in another order, logits of size 10 to 60.
LOGIT_TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=["qwen3", "llama", "llama3"])
def model(request):
    return random_model(request.param)


def reference(model, tokens):
    with torch.inference_mode():
        return model(torch.tensor([tokens])).logits[0]


def test_prefill_of_ragged_prompts_gives_the_models_logits(model):
    weights = base_weights(copy.deepcopy(model))
    asked = prompts(5, seed=1)
    padded = torch.zeros(5, max(map(len, asked)), dtype=torch.long)
    for line, prompt in zip(padded, asked, strict=True):
        line[: len(prompt)] = torch.tensor(prompt)
    with torch.inference_mode():
        hidden, _ = prefill(weights, padded)
        for states, prompt in zip(hidden, asked, strict=True):
            got = weights.logits(states[: len(prompt)])
            assert (got - reference(model, prompt)).abs().max() <= LOGIT_TOLERANCE


def test_decoding_rows_of_different_lengths_gives_the_models_logits(model):
    weights = base_weights(copy.deepcopy(model))
    first, second = prompts(2, seed=2, shortest=5)
    texts = [list(first), list(second), list(first)]
    with torch.inference_mode():
        cache, sampled = Cache(weights), [0, 0, 0]
        for text in texts:
            cache.append(prefill(weights, torch.tensor([text]))[1], [len(text)], [1])
        for step in range(70):  # beyond the first 64 slots
            tokens = [(7 * step + 11 * row) % 90 + 2 for row in range(len(texts))]
            logits = cache.decode(torch.tensor(tokens), sampled)
            for row, token in enumerate(tokens):
                texts[row].append(token)
                sampled[row] += 1
            if step == 30:  # a row that joins
                texts.append(list(first))
                sampled.append(0)
                cache.append(prefill(weights, torch.tensor([first]))[1], [len(first)], [1])
            if step == 40:  # and one that leaves
                cache.drop(0)
                texts[0], sampled[0] = texts.pop(), sampled.pop()
        for row, text in enumerate(texts):
            assert (logits[row] - reference(model, text)[-1]).abs().max() <= LOGIT_TOLERANCE


def test_rows_that_share_a_prompt_see_it_whoever_leaves(model):
    weights = base_weights(copy.deepcopy(model))
    asked = prompts(3, seed=4, shortest=3)
    counts = [TOGETHER + 3, 1, 5]
    padded = torch.zeros(3, max(map(len, asked)), dtype=torch.long)
    for line, prompt in zip(padded, asked, strict=True):
        line[: len(prompt)] = torch.tensor(prompt)
    texts = [list(p) for p, count in zip(asked, counts, strict=True) for _ in range(count)]
    rng = np.random.default_rng(0)
    with torch.inference_mode():
        cache = Cache(weights)
        cache.append(prefill(weights, padded)[1], [len(p) for p in asked], counts)
        for step in range(12):
            tokens = rng.integers(2, 90, len(texts)).tolist()
            logits = cache.decode(torch.tensor(tokens), [step] * len(texts))
            for row, token in enumerate(tokens):
                texts[row].append(token)
            for row in rng.choice(len(texts), 2, replace=False)[::-1]:
                expected = reference(model, texts[row])[-1]
                assert (logits[row] - expected).abs().max() <= LOGIT_TOLERANCE
            for row in sorted(rng.choice(len(texts), 2, replace=False), reverse=True):
                cache.drop(row)
                texts[row] = texts[-1]
                texts.pop()


def test_fusing_leaves_the_models_own_weights_as_they_were_and_holds_nothing_twice(model):
    fused = copy.deepcopy(model)
    weights = base_weights(fused)
    for (name, before), after in zip(model.named_parameters(), fused.parameters(), strict=True):
        assert torch.equal(before, after), name
    qkv = weights.blocks[0].matrices["qkv"]
    q = fused.model.layers[0].self_attn.q_proj.weight
    assert q.untyped_storage().data_ptr() == qkv.untyped_storage().data_ptr()


@pytest.mark.parametrize(
    "path", ["model.layers.1.self_attn.k_proj", "model.layers.0.mlp.up_proj", "lm_head"]
)
def test_merging_moves_one_layer_and_leaves_the_base(path):
    model = random_model()
    weights = base_weights(model)
    layer = model.get_submodule(path)
    delta = torch.randn_like(layer.weight)
    merged = merge(weights, {path: lambda: delta})
    tokens = prompts(1, seed=3, shortest=6)[0]
    before = reference(model, tokens)
    with torch.inference_mode():
        got = merged.logits(prefill(merged, torch.tensor([tokens]))[0][0])
        still = weights.logits(prefill(weights, torch.tensor([tokens]))[0][0])
    assert (still - before).abs().max() <= LOGIT_TOLERANCE
    layer.weight.data = layer.weight.data + delta
    after = reference(model, tokens)
    assert (got - after).abs().max() <= LOGIT_TOLERANCE < (after - before).abs().max()
    assert 0 < merged.own_bytes < sum(p.nbytes for p in model.parameters()) / 2


def test_sliding_windows_and_changing_rotary_embeddings_are_refused():
    sliding = Qwen3Config(**SIZES, use_sliding_window=True, sliding_window=4, max_window_layers=0)
    with pytest.raises(UnsupportedError, match="sliding_attention"):
        base_weights(Qwen3ForCausalLM(sliding))
    dynamic = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    with pytest.raises(UnsupportedError, match="dynamic"):
        base_weights(Qwen3ForCausalLM(Qwen3Config(**SIZES, rope_parameters=dynamic)))
