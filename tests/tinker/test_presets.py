"""Lab code names no model: what a server offers decides."""

from __future__ import annotations

import dataclasses

import pytest
from tinker_cookbook import hyperparam_utils, renderers

from shared.models.base import NAME, folder
from shared.tinker.errors import NotFoundError
from shared.tinker.presets import choose
from shared.tinker.service.catalogue import STAND_IN_NAMES
from shared.tinker.tokenizers import load_tokenizer, teach_tokenizers


def test_the_shipped_model_has_its_own_table() -> None:
    tiny = choose([NAME])
    assert tiny.base_model == NAME
    assert tiny.sft_learning_rate == 1e-2
    assert tiny.rl_learning_rate == 5e-4
    assert 2e-4 <= tiny.dpo_learning_rate <= 4e-4


def test_it_is_chosen_wherever_it_is_served_whatever_else_is() -> None:
    assert choose([*STAND_IN_NAMES, NAME]) == choose([NAME])


def test_its_renderer_writes_and_reads_its_chat_format() -> None:
    teach_tokenizers({NAME: folder()})
    tokenizer = load_tokenizer(NAME)
    renderer = renderers.get_renderer(choose([NAME]).renderer_name, tokenizer)
    prompt = renderer.build_generation_prompt([{"role": "user", "content": "2 + 3?"}])
    assert "2 + 3?" in tokenizer.decode(prompt.to_ints())
    answer = tokenizer.encode("5<|im_end|>")
    message, complete = renderer.parse_response(answer)
    assert complete and message["content"] == "5"


def test_a_hosted_server_gives_the_smallest_chat_model_it_knows() -> None:
    offered = ["moonshotai/Kimi-K2.6", "Qwen/Qwen3-8B", "Qwen/Qwen3.5-4B", "Qwen/Qwen3-8B-Base"]
    chosen = choose(offered)
    assert chosen.base_model == "Qwen/Qwen3.5-4B"
    assert chosen.sft_learning_rate == hyperparam_utils.get_lr("Qwen/Qwen3.5-4B")
    assert chosen.renderer_name.startswith("qwen3_5")


def test_a_base_model_is_taken_when_there_is_no_other() -> None:
    assert choose(["Qwen/Qwen3-8B-Base"]).renderer_name == "role_colon"


def test_a_model_may_be_asked_for() -> None:
    assert choose([NAME, "Qwen/Qwen3-8B"], "Qwen/Qwen3-8B").base_model == "Qwen/Qwen3-8B"


@pytest.mark.parametrize("offered", [[], ["thinkingmachines/Inkling"], ["my/own-model"]])
def test_models_nobody_knows_a_rate_for_are_told(offered: list[str]) -> None:
    with pytest.raises(NotFoundError, match="No learning rate is known"):
        choose(offered)


def test_a_model_that_is_not_offered_is_told() -> None:
    with pytest.raises(NotFoundError, match=r"does not offer Qwen/Qwen3-8B, only labkit/tiny"):
        choose([NAME], "Qwen/Qwen3-8B")


def test_a_preset_is_not_changed_in_passing() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        choose([NAME]).rank = 8  # pyright: ignore
