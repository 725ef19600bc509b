"""Pretraining: a short run follows the recorded curve, and a stopped run goes on exactly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from shared.models.base import PACKAGE, run_state
from shared.models.base.pretrain import Settings, main, pretrain
from shared.models.base.recipe import Recipe

TINY = Recipe(steps=6, rows=2, row_length=384, warmup=2)
SHORT_STEPS = 6


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(out: Path, recipe: Recipe = TINY, stop_after: int | None = None) -> run_state.Progress:
    settings = Settings(out=out, stop_after=stop_after, device="cpu", quiet=True, long_stage=False)
    return pretrain(recipe, settings)


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(str(path), framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_a_short_run_follows_the_recorded_curve(tmp_path: Path) -> None:
    recorded = run_state.read_curve(PACKAGE / run_state.CURVE)
    assert len(recorded) == Recipe().steps
    losses = run(tmp_path, Recipe(), stop_after=SHORT_STEPS).losses
    # The recorded run had two threads, which add in another order, and kept five decimals.
    # The bound leaves room for another CPU's matrix products.
    assert losses == pytest.approx(recorded[:SHORT_STEPS], abs=0.002)
    assert losses[0] - losses[-1] > 0.1


@pytest.mark.slow
def test_a_run_of_sixty_steps_follows_the_recorded_curve(tmp_path: Path) -> None:
    recorded = run_state.read_curve(PACKAGE / run_state.CURVE)
    losses = run(tmp_path, Recipe(), stop_after=60).losses
    # Two roundings drift apart as they go.
    assert losses == pytest.approx(recorded[:60], abs=0.02)


def test_the_recorded_curve_comes_down() -> None:
    recorded = run_state.read_curve(PACKAGE / run_state.CURVE)
    assert recorded[0] > 6.0  # log(704) = 6.56: a fresh model knows nothing
    assert sum(recorded[-50:]) / 50 < 0.6


def test_a_stopped_run_goes_on_exactly(tmp_path: Path) -> None:
    straight = run(tmp_path / "straight")
    run(tmp_path / "stopped", stop_after=3)
    resumed = run(tmp_path / "stopped")
    assert resumed.losses == straight.losses
    one, other = (tensors(tmp_path / n / run_state.STATE) for n in ("straight", "stopped"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_two_seeds_give_two_runs(tmp_path: Path) -> None:
    other = Recipe(steps=6, rows=2, row_length=384, warmup=2, seed=1)
    first = run(tmp_path / "0", stop_after=1).losses
    assert first != run(tmp_path / "1", other, stop_after=1).losses


def test_a_finished_run_is_a_model_directory(tmp_path: Path) -> None:
    run(tmp_path)
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        path.name for path in (tmp_path / "model").iterdir()
    }


def test_another_recipe_is_refused_by_its_numbers(tmp_path: Path) -> None:
    run(tmp_path, stop_after=1)
    with pytest.raises(run_state.RunStateError, match=r"started with .*'steps': 6"):
        run(tmp_path, Recipe(steps=7, rows=2, row_length=384, warmup=2))


def test_a_truncated_state_is_refused(tmp_path: Path) -> None:
    run(tmp_path, stop_after=1)
    state = tmp_path / run_state.STATE
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(run_state.RunStateError, match="no whole state"):
        run(tmp_path)


def test_a_failed_save_leaves_the_state_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, stop_after=1)
    before = (tmp_path / run_state.STATE).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_state, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        run(tmp_path, stop_after=2)
    assert (tmp_path / run_state.STATE).read_bytes() == before


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--steps", "0"]) == 2
    assert "must be at least 1" in capsys.readouterr().err


def test_the_learning_rate_rises_then_falls() -> None:
    recipe = Recipe()
    rates = [recipe.learning_rate(step) for step in range(recipe.steps)]
    assert rates.index(max(rates)) == recipe.warmup - 1 or max(rates) == rates[recipe.warmup]
    assert rates[-1] < 0.05 * recipe.peak_learning_rate
    assert min(rates) > 0
