"""Draw Lab 2's stored figures: `python make_figures.py [--measure]`.

Without --measure the curves come from measured.json, so that the same files come out on every
machine. With it the notebook's own loop trains pig latin and the batch sizes anew, five seeds each,
on the embedded service: some minutes on two cores.
"""

import argparse
import hashlib
import json
import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

HERE = Path(__file__).resolve().parent
MEASURED = HERE / "measured.json"
SEEDS = range(5)
SIZES = (8, 16, 32)
EVERY = 5
"""Steps between two looks: finer than on the page, to see when words come right."""
DARK, LIGHT = "0.25", "0.88"
STYLE = {
    "svg.hashsalt": "lab02",
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def notebook(seed: int) -> dict:
    """The names of the notebook's cells that train, with a service and words of `seed`."""
    import jupytext

    names: dict = {"__name__": "lab02_notebook"}
    cells = [c for c in jupytext.read(HERE / "notebook.py").cells if c.cell_type == "code"]
    wanted = ("service = connect()", "def split_words", "def answers")
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        source = cell.source.replace("SEED = 2", f"SEED = {seed}")
        # Of the cell that asks the checkpoints only the functions: there is no run to ask yet.
        source = source.partition("test_chats = ")[0]
        if {"setup", "solution"} & set(tags) or any(text in source for text in wanted):
            exec(compile(source, "notebook.py", "exec"), names)
    return names


def fingerprint() -> str:
    """SHA-256 of the base model's weights: measured numbers are numbers of these weights."""
    from shared.models import base

    return hashlib.sha256((base.folder() / "model.safetensors").read_bytes()).hexdigest()


def measure_pig_latin(lab: dict, seed: int) -> dict[str, dict[int, float]]:
    """Held-out loss and share of held-out words by step."""
    page = lab["pig_config"](len(lab["training"]), seed)
    fine = type(page)(**{**vars(page), "evaluate_every": EVERY, "save_every": EVERY})
    _, log = lab["run"]("pig_latin", lab["training"], lab["testing"], fine)
    chats = lab["pig_latin_dataset"](lab["held_out_words"])
    base = lab["service"].create_sampling_client(base_model=lab["settings"].base_model).result()
    exact = {0: lab["share_right"](base, chats)}
    lines = (lab["RUNS"] / "pig_latin" / "checkpoints.jsonl").read_text("utf-8").splitlines()
    for saved in map(json.loads, lines):
        client = lab["service"].create_training_client_from_state(saved["state_path"]).result()
        sampler = client.save_weights_and_get_sampling_client().result()
        exact[saved["batch"]] = lab["share_right"](sampler, chats)
    return {
        "loss": {step: round(loss, 4) for step, loss in log.held_out.items()},
        "exact": {step: round(share, 4) for step, share in exact.items()},
    }


def measure_size(lab: dict, seed: int, size: int) -> float:
    """Held-out loss after one epoch in batches of `size`, as on the page."""
    settings = lab["settings"]
    config = lab["TrainConfig"](
        epochs=1, batch_size=size, learning_rate=settings.sft_learning_rate * math.sqrt(size / 32),
        warmup=settings.warmup_steps, evaluate_every=1000, seed=seed,
    )  # fmt: skip
    _, log = lab["run"](f"batch_{size}", lab["training"], lab["testing"], config)
    return round(list(log.held_out.values())[-1], 4)


def measure() -> dict:
    """Everything that measured.json holds."""
    found: dict = {"base": fingerprint(), "pig_latin": {}, "sizes": {}}
    for seed in SEEDS:
        lab = notebook(seed)
        found["pig_latin"][seed] = measure_pig_latin(lab, seed)
        found["sizes"][seed] = {size: measure_size(lab, seed, size) for size in SIZES}
    return found


def save(figure, name: str) -> None:
    """Write figures/NAME.svg with the same bytes every time."""
    folder = HERE / "figures"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def timeline(axes, top: float, *, ahead: bool) -> float:
    """Three steps: your requests above, the service's work below. Returns when all is done."""
    travel, gradient, update = 0.5, 1.6, 0.5
    line = {"arrowstyle": "->", "color": "black", "linewidth": 0.8}
    now = 0.0
    for _ in range(3):
        sent, free = now, now + travel
        for width, shade in ((gradient, DARK), (update, LIGHT)):
            start = max(free, sent + travel)
            axes.annotate("", (start if not ahead else sent + travel, top - 0.62), (sent, top),
                          arrowprops=line)  # fmt: skip
            box = Rectangle((start, top - 1), width, 0.35, facecolor=shade, edgecolor="black")
            axes.add_patch(box)
            free = start + width
            answered = free + travel
            axes.annotate("", (answered, top), (free, top - 0.62),
                          arrowprops={**line, "linestyle": ":"})  # fmt: skip
            sent = sent + 0.12 if ahead else answered
        now = answered
    axes.plot([0, now], [top, top], color="black", linewidth=1)
    return now


def draw_loop() -> None:
    """Waiting between two requests, and sending ahead."""
    figure, axes = plt.subplots(figsize=(7.6, 2.7), layout="constrained")
    ends = [timeline(axes, top, ahead=ahead) for top, ahead in ((3.0, False), (1.2, True))]
    axes.set(xlim=(-1.9, max(ends) + 0.2), ylim=(-0.3, 3.3))
    axes.axis("off")
    for top, name in ((3.0, "wait each time"), (1.2, "send ahead")):
        axes.text(-0.2, top, f"you, {name}", ha="right", va="center", fontsize=8)
        axes.text(-0.2, top - 0.82, "the service", ha="right", va="center", fontsize=8)
    for x, shade, name in ((0.5, DARK, "gradient"), (2.6, LIGHT, "step")):
        axes.add_patch(Rectangle((x, -0.25), 0.3, 0.2, facecolor=shade, edgecolor="black"))
        axes.text(x + 0.45, -0.15, name, va="center", fontsize=8)
    save(figure, "loop")


def draw_pig_latin(runs: dict[str, dict[str, dict[str, float]]]) -> None:
    """Loss and whole words over steps, one line for each seed."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.9), layout="constrained")
    for axes, key in ((left, "loss"), (right, "exact")):
        for curves in runs.values():
            curve = curves[key]
            axes.plot(list(map(int, curve)), list(curve.values()), color="black", linewidth=0.8)
        axes.axvspan(0, EVERY, color=LIGHT, linewidth=0)
        axes.set(xlabel="step", xlim=(0, 118))
    left.set(ylabel="loss of a token, unseen words", ylim=(0, 6))
    right.set(ylabel="unseen words that are right", ylim=(0, 1))
    save(figure, "pig_latin")


def main() -> None:
    """Draw the figures, measured anew if asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true", help="train first, some minutes")
    if parser.parse_args().measure:
        MEASURED.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    with plt.rc_context(STYLE):
        draw_loop()
        draw_pig_latin(measured["pig_latin"])


if __name__ == "__main__":
    main()
