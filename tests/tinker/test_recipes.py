"""Reading, planning and starting recipes of the cookbook; the one started is our own."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from shared.tinker import recipe_source, recipes
from shared.tinker.errors import NotFoundError, UserError
from shared.tinker.recipe_results import results
from shared.tinker.recipes import SMALL, child_environment, obstacles, plan, run, stand_ins

NOON = datetime(2030, 1, 2, 12, 0, 0)


def test_the_list_holds_the_recipes_the_kit_is_for() -> None:
    found = recipe_source.names()
    assert set(recipes.TESTED) <= set(found)
    assert "math_rl.math_env" not in found  # a module that cannot be run


def test_a_recipe_may_be_named_in_full_or_by_its_path() -> None:
    short = recipe_source.read("math_rl.train").path
    assert recipe_source.read("tinker_cookbook.recipes.math_rl.train").path == short
    assert recipe_source.read("math_rl/train.py").path == short


def test_an_unknown_recipe_is_answered_with_a_near_one() -> None:
    with pytest.raises(NotFoundError, match="Did you mean sl_loop"):
        recipe_source.read("sl_lop")


@pytest.mark.parametrize("name", ["math_rl.math_env", "../eval/__init__", "", "os"])
def test_what_is_no_recipe_is_refused(name: str) -> None:
    with pytest.raises(NotFoundError, match="no recipe"):
        recipe_source.read(name)


@pytest.mark.parametrize(
    ("name", "setting", "default"),
    [
        ("sl_loop", "batch_size", "128"),  # the type of main's argument
        ("chat_sl.train", "max_length", "16384"),  # a class given to chz.entrypoint
        ("sl_basic", "max_steps", "None"),  # a class of another module, by blueprint
        ("sl_basic", "eval_every", "8"),  # what the blueprint is given
        ("search_tool.offline_eval", "base_model", "'Qwen/Qwen3.5-4B'"),  # chz.field
    ],
)
def test_settings_are_read_from_the_source(name: str, setting: str, default: str) -> None:
    assert recipe_source.read(name).settings[setting] == default


def test_sizes_written_into_the_source_are_found() -> None:
    assert recipe_source.read("rl_basic").fixed == {"batch_size": 128, "group_size": 16}
    assert recipe_source.read("chat_sl.train").fixed == {}


def test_packages_that_are_not_installed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "tinker_cookbook"
    (root / "recipes").mkdir(parents=True)
    (root / "recipes" / "one.py").write_text(
        "import json\nfrom tinker_cookbook.recipes import two\nif __name__ == '__main__':\n  pass\n"
    )
    (root / "recipes" / "two.py").write_text(
        "try:\n  import no_such\nexcept ImportError:\n  pass\n"
    )
    monkeypatch.setattr(recipe_source, "cookbook", lambda: root)
    assert recipe_source.read("one").missing == ("no_such",)


def test_extras_are_those_of_the_installed_cookbook() -> None:
    assert recipe_source.extra_of("textarena") == "multiplayer-rl"
    assert recipe_source.extra_of("chromadb") == "vector-search"
    assert recipe_source.extra_of("no_such_package") is None


@pytest.mark.parametrize("name", recipes.TESTED)
def test_nothing_speaks_against_what_is_said_to_run(name: str) -> None:
    assert obstacles(recipe_source.read(name)) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vlm_classifier.train", "images"),
        ("decisions.demo", "thinkingmachines/Inkling-Small, which has no stand-in"),
        ("rl_numerics_check.train", "Salesforce/wikitext has no synthetic stand-in"),
    ],
)
def test_what_speaks_against_a_recipe_is_said(name: str, reason: str) -> None:
    assert any(reason in found for found in obstacles(recipe_source.read(name)))


def test_small_sizes_are_added_where_none_was_given(tmp_path: Path) -> None:
    planned = plan("sl_loop", ["batch_size=3"], runs=tmp_path, now=NOON)
    assert planned.added["max_steps"] == str(SMALL["max_steps"])
    assert "batch_size" not in planned.added
    assert planned.words[-1] == "batch_size=3"


def test_sizes_that_are_small_already_are_left(tmp_path: Path) -> None:
    planned = plan("math_rl.train", runs=tmp_path, now=NOON)
    assert "max_tokens" not in planned.added  # 5 in the recipe
    assert "group_size" not in planned.added  # 4 in the recipe
    assert planned.added["groups_per_batch"] == str(SMALL["groups_per_batch"])


def test_full_adds_no_sizes(tmp_path: Path) -> None:
    planned = plan("sl_loop", runs=tmp_path, small=False, now=NOON)
    assert set(planned.added) == {"log_path"}


def test_every_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    planned = plan("sl_loop", runs=tmp_path, now=NOON)
    assert planned.folder == tmp_path / "sl_loop" / "2030-01-02-12-00-00"
    assert planned.added["log_path"] == str(planned.folder)
    pipeline = plan("preference.rlhf.rlhf_pipeline", runs=tmp_path, now=NOON)
    assert pipeline.folder == tmp_path / "rlhf-labkit-2030-01-02-12-00-00"


def test_a_log_path_of_the_callers_is_kept(tmp_path: Path) -> None:
    planned = plan("sl_loop", [f"log_path={tmp_path / 'mine'}"], runs=tmp_path)
    assert "log_path" not in planned.added
    assert planned.folder == tmp_path / "mine"


@pytest.mark.parametrize("word", ["max_steps", "=3", "--max-steps"])
def test_a_word_that_is_no_setting_is_refused(word: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no setting"):
        plan("sl_loop", [word], runs=tmp_path)


def test_a_setting_without_a_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs checkpoint_path=\.\.\."):
        plan("multiplayer_rl.text_arena.play", runs=tmp_path)
    plan("multiplayer_rl.text_arena.play", ["checkpoint_path=tinker://a/b"], runs=tmp_path)


def test_stand_ins_are_those_the_recipe_or_the_caller_names(tmp_path: Path) -> None:
    planned = plan("rl_loop", ["model_name=Qwen/Qwen3-8B"], runs=tmp_path)
    models, data = stand_ins(planned)
    assert models == ["Qwen/Qwen3-8B", "Qwen/Qwen3.5-9B-Base"]
    assert "openai/gsm8k" in data
    assert "HuggingFaceH4/no_robots" not in data


def test_recipes_that_read_example_texts_are_shown_some_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "prompt_distillation.create_data"
    assert plan(name, runs=tmp_path, lines=7).lines == 7
    assert plan("sl_loop", runs=tmp_path, lines=7).lines is None
    (tmp_path / recipes.EXAMPLES).mkdir(parents=True)
    assert plan(name, runs=tmp_path, lines=7).lines is None  # the caller's own texts are there


def test_a_recipe_is_given_the_service_and_no_other_credentials(tmp_path: Path) -> None:
    outer = {"TINKER_API_KEY": "tml-real", "TINKER_CREDENTIAL_CMD": "cat key", "PATH": "/bin"}
    made = child_environment(
        outer, url="http://127.0.0.1:9", key="tml-ours", home=tmp_path, runs=tmp_path / "runs"
    )
    assert made["TINKER_API_KEY"] == "tml-ours"
    assert made["TINKER_BASE_URL"] == "http://127.0.0.1:9"
    assert made["TINKER_TELEMETRY"] == "0"
    assert "TINKER_CREDENTIAL_CMD" not in made
    assert "127.0.0.1" in made["NO_PROXY"]


FAKE = """
import json, os, pathlib, sys
text = pathlib.Path("tinker_cookbook/example_data/text.txt")
print(json.dumps({"words": sys.argv[1:], "cwd": os.getcwd(), "path": sys.path[0],
                  "lines": text.read_text().splitlines() if text.exists() else None}))
if __name__ == "__main__":
    reads = "tinker_cookbook/example_data/text.txt" if False else ""
    raise SystemExit(7)
"""


@pytest.fixture
def fake_cookbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cookbook with one recipe, which says how it was started and ends with 7."""
    root = tmp_path / "packages" / "tinker_cookbook"
    (root / "recipes").mkdir(parents=True)
    (root / "example_data").mkdir()
    (root / "example_data" / "text.txt").write_text("a\nb\nc\n")
    for folder in (root, root / "recipes"):
        (folder / "__init__.py").write_text("")
    (root / "recipes" / "fake.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(root.parent))
    monkeypatch.setattr(recipe_source, "cookbook", lambda: root)
    return root


def started(tmp_path: Path, words: list[str]) -> tuple[int, dict[str, object]]:
    planned = plan("fake", words, runs=tmp_path / "runs", lines=2)
    with (tmp_path / "output").open("wb") as output:
        code = run(planned, url="http://x", key="tml-k", home=tmp_path, output=output)
    return code, json.loads((tmp_path / "output").read_text())


def test_the_exit_code_is_the_recipes_own(fake_cookbook: Path, tmp_path: Path) -> None:
    code, said = started(tmp_path, ["a=1", "b=x y"])
    assert code == 7
    assert said["words"] == ["a=1", "b=x y"]


def test_example_texts_are_shortened_and_paths_stay_the_callers(
    fake_cookbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, said = started(tmp_path, ["output_file=mine.jsonl", "load_checkpoint_path=tinker://a/b"])
    assert said["lines"] == ["a", "b"]
    mine = tmp_path / "mine.jsonl"
    assert said["words"] == [f"output_file={mine}", "load_checkpoint_path=tinker://a/b"]
    assert not os.path.exists(str(said["cwd"]))  # removed afterwards
    assert said["path"] != said["cwd"]


def test_results_are_read_from_wherever_the_recipe_wrote(tmp_path: Path) -> None:
    stage = tmp_path / "rl"
    stage.mkdir()
    (stage / "metrics.jsonl").write_text('{"step": 0, "train_mean_nll": 2.5}\n{"step": 1}\n')
    (stage / "checkpoints.jsonl").write_text('{"name": "final", "state_path": "tinker://a"}\n')
    (tmp_path / "data.jsonl").write_text('{"messages": []}\n\n{"messages": []}\n')
    left = results(tmp_path)
    assert (left.steps, left.rows) == (2, 2)
    assert left.losses == {"train_mean_nll": [2.5]}
    assert left.checkpoints[0]["state_path"] == "tinker://a"
    assert left.finite


def test_a_loss_that_is_no_number_is_seen(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"test/nll": NaN}\n')
    assert not results(tmp_path).finite


def test_an_empty_folder_has_no_results(tmp_path: Path) -> None:
    left = results(tmp_path / "nothing")
    assert (left.steps, left.rows, len(left.checkpoints)) == (0, 0, 0)
