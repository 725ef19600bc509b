"""The sampler's own forward pass computes what transformers computes, from shared weights."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from shared.tinker.errors import UnsupportedError
from shared.tinker.service.kv_cache import Cache, prefill
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
        cache = Cache(weights)
        for row, text in enumerate(texts):
            _, kept = prefill(weights, torch.tensor([text]))
            cache.reserve(row + 1, 30)
            cache.append(kept, torch.tensor([0]))
        for step in range(70):  # beyond the first 64 slots
            tokens = [(7 * step + 11 * row) % 90 + 2 for row in range(len(texts))]
            lengths = [len(text) for text in texts]
            cache.reserve(len(texts), max(lengths) + 1)
            logits = cache.decode(torch.tensor(tokens), lengths)
            for text, token in zip(texts, tokens, strict=True):
                text.append(token)
            if step == 40:
                cache.drop(0)
                texts[0] = texts.pop()
        for row, text in enumerate(texts):
            assert (logits[row] - reference(model, text)[-1]).abs().max() <= LOGIT_TOLERANCE


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
