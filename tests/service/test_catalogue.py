"""Which models are served under which names, and that recipes find theirs among them."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from shared.models.base import NAME, folder
from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.service.catalogue import STAND_IN_NAMES, ModelSource, catalogue

RECIPES = (
    "sl_loop",
    "rl_loop",
    "sl_basic",
    "rl_basic",
    "chat_sl/train",
    "math_rl/train",
    "preference/dpo/train",
    "preference/shorter/train",
    "preference/rlhf/rlhf_pipeline",
    "prompt_distillation/create_data",
    "prompt_distillation/train",
    "multiplayer_rl/guess_number/train",
    "multiplayer_rl/twenty_questions/train",
    "multiplayer_rl/twenty_questions/env",
    "distillation/on_policy_distillation",
    "distillation/on_policy_multi_teacher",
    "distillation/off_policy_reasoning",
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "config.json").write_text("{}")
    return place


def test_the_base_model_comes_first_and_is_no_stand_in() -> None:
    first = catalogue()[0]
    assert first == ModelSource(name=NAME, location=str(folder()))


def test_stand_ins_are_the_base_model_and_say_so() -> None:
    rest = catalogue()[1:]
    assert {source.name for source in rest} == set(STAND_IN_NAMES)
    assert all(source.stand_in_for == source.name for source in rest)
    assert {source.location for source in rest} == {str(folder())}


def test_stand_ins_can_be_left_out() -> None:
    assert [source.name for source in catalogue(stand_ins=False)] == [NAME]


def test_a_folder_is_called_as_it_is_on_disk(model: Path) -> None:
    assert ModelSource(name="mine", location=str(model)) in catalogue([str(model)])


def test_a_folder_can_be_given_a_name(model: Path) -> None:
    served = {source.name: source for source in catalogue([f"me/tuned={model}"])}
    assert served["me/tuned"].location == str(model)


def test_a_hub_name_is_its_own_location() -> None:
    assert ModelSource(name="Org/Name", location="Org/Name") in catalogue(["Org/Name"])


def test_a_model_of_the_callers_is_never_replaced_by_a_stand_in(model: Path) -> None:
    served = {source.name: source for source in catalogue([f"Qwen/Qwen3-8B={model}"])}
    assert served["Qwen/Qwen3-8B"] == ModelSource(name="Qwen/Qwen3-8B", location=str(model))


def test_the_same_model_may_be_named_twice(model: Path) -> None:
    assert len(catalogue([str(model), str(model)])) == len(catalogue([str(model)]))


def test_one_name_for_two_models_is_refused(model: Path) -> None:
    with pytest.raises(UserError, match="Two models are called labkit/tiny"):
        catalogue([f"{NAME}={model}"])


@pytest.mark.parametrize("text", ["./nowhere", "/nowhere/at/all", "name=/nowhere"])
def test_a_missing_folder_is_named(text: str) -> None:
    with pytest.raises(NotFoundError, match=r"no config\.json"):
        catalogue([text])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=re.escape(str(tmp_path))):
        catalogue([str(tmp_path)])


@pytest.mark.parametrize("text", ["", "name="])
def test_an_empty_name_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="names no model"):
        catalogue([text])


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_model_a_recipe_hard_codes_has_a_stand_in(recipe: str) -> None:
    spec = find_spec("tinker_cookbook")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).parent / "recipes" / f"{recipe}.py"
    names = {
        node.value
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(Qwen|meta-llama)/[\w.-]+-\w+", node.value)
    }
    assert names <= set(STAND_IN_NAMES)
