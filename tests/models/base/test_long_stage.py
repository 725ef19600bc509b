"""The last stage of pretraining: its prompts are the cookbook's, its cuts keep the question."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from tinker_cookbook.recipes.prompt_distillation.create_data import LANGUAGE_CLASSIFICATION_PROMPT
from tinker_cookbook.renderers import get_renderer
from transformers import AutoTokenizer

from shared.data.languages import CODES, text_with_language
from shared.models.base import folder, long_stage, network
from shared.models.base.long_stage import LongStage, classification

WHOLE = LongStage(shortest=10_000)


def test_a_whole_prompt_is_what_the_cookbooks_renderer_makes() -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder())
    renderer = get_renderer("qwen3_5_disable_thinking", tokenizer)
    for seed in range(5):
        text, code = text_with_language(random.Random(seed))
        asked = LANGUAGE_CLASSIFICATION_PROMPT.format(text=text)
        prompt, reply = classification(random.Random(seed), WHOLE)
        rendered = renderer.build_generation_prompt([{"role": "user", "content": asked}])
        assert prompt == rendered.to_ints()
        assert tokenizer.decode(reply) == f"Final Answer: {code}<|im_end|>"
        assert reply[-1:] == renderer.get_stop_sequences()


def test_cut_prompts_keep_their_end_and_come_in_all_lengths() -> None:
    rng = random.Random(0)
    made = [classification(rng, LongStage())[0] for _ in range(300)]
    lengths = sorted(len(prompt) for prompt in made)
    assert lengths[0] < 150 and lengths[-1] > 3000
    assert len({tuple(prompt[-11:]) for prompt in made}) == 1  # what opens the reply
    assert len({tuple(prompt[:3]) for prompt in made}) == 1  # what opens the question


def test_replies_name_every_language() -> None:
    rng = random.Random(0)
    tokenizer = AutoTokenizer.from_pretrained(folder())
    said = {tokenizer.decode(classification(rng, LongStage())[1])[14:16] for _ in range(300)}
    assert said == set(CODES)


def test_the_stage_learns_and_is_the_same_every_time() -> None:
    torch.set_num_threads(1)
    stage = LongStage(steps=12, rows=1, row_length=64, texts=2, longest=90, learning_rate=3e-3)
    losses = [long_stage.run(network.new_model(0), stage, quiet=True) for _ in range(2)]
    assert losses[0] == losses[1]
    # An untrained model gives a token of 704 about ln 704 = 6.6 nats; 12 steps took off 2.3.
    assert losses[0][0] > 6.0
    assert losses[0][-1] < losses[0][0] - 1.5


def test_no_model_directory_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert long_stage.main([str(tmp_path)]) == 2
    assert "is no model directory" in capsys.readouterr().err
