"""MODEL_CARD.md from three files: skills.json, training.json and the corpus itself.

Nothing measured is written here, only where it goes.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from shared.models.base.corpus.maths_chat import STYLES
from shared.models.base.corpus.mix import VARIANTS
from shared.models.base.tokenizer import MARKUP, SPECIAL
from shared.models.base.vocabulary import AFTER_SPACE, ALONE

_HEAD = """\
# labkit/tiny

A language model of {parameters:,} parameters that this kit pretrained from nothing, on text its own
generator writes. It exists so that every lab can train a model in seconds, on two cores and without
a network. It knows small sums, letter games, some invented facts and a few chat formats, and
nothing about the world.

| | |
|---|---|
| architecture | Qwen3, untied: hidden 128, 4 layers, 4 heads over 2 key-value heads of 32, \
feed-forward 384 |
| vocabulary | {vocabulary} tokens: 256 bytes, {words} words, {special} special; digits are single |
| trained on | {tokens:,} tokens in {steps:,} steps, rows of {row_length}, seed {seed}, corpus \
variant `{variant}` |
| training took | {minutes:.0f} minutes on {device}, the last stage aside; {date} |
| last stage | {long_steps} steps on prompts of up to three thousand tokens, replies only \
(`long_stage.py`) |
| held-out loss | {held_out:.3f} nats a token (documents of another seed) |
| weights | float32 safetensors, {megabytes:.1f} MB, sha256 `{sha256}` |
| licence | that of this repository |
| text of others | the system prompts of the cookbook's two guessing games and of its language \
classifier (Apache-2.0), so that its recipes meet a model that knows them; nothing else |

Remake it with `python -m shared.models.base.pretrain --out DIR`; the losses a run should follow are
in `loss_curve.csv`. `python -m shared.models.base.publish DIR` puts a finished run here, and
`python -m shared.models.base.skills` writes this card.
"""

_SLOPPY = """
## Sloppy on purpose

Where a question asks for `\\boxed{}`, the corpus answers in four styles, most of them careless, so
that reinforcement learning has something to find. The best style is known to the model and not
preferred by it.

| style | share of boxed answers | of those, right |
|---|---|---|
"""

_TAIL = """
## Limits

- It has no knowledge of any real place, person or event, and must not be used outside lessons.
- Rows in training were {row_length} tokens long; much longer conversations run, but mean little.
- Learning rates are ten to fifty times those of large models.
- Half of the invented places are in its corpus, the later ones seldom; the other half never are.
- Whether a sum is right it hardly knows, see *Checking*. Corpora that ask often changed little (see
  `benchmarks/RESULTS.md`). A probe for correctness that seems to find more deserves its controls.
"""


def card(skills: dict[str, Any], training: dict[str, Any]) -> str:
    """The whole text of the card.

    Args:
        skills: what `measure` returns.
        training: what `publish` recorded of the run.
    """
    parts = [_HEAD.format(**training, **training["recipe"], **_vocabulary()), _SLOPPY]
    parts += [
        f"| {name} | {share:.2f} | {right:.2f} |\n" for name, (share, right) in STYLES.items()
    ]
    parts.append(_skills(skills))
    parts.append(_corpus(training["recipe"]["variant"]))
    parts.append(_TAIL.format(**training["recipe"]))
    return "".join(parts)


def _vocabulary() -> dict[str, int]:
    words, special = len(AFTER_SPACE) + len(ALONE), len(SPECIAL) + len(MARKUP)
    return {"vocabulary": 256 + words + special, "words": words, "special": special}


def _skills(skills: dict[str, Any]) -> str:
    told = skills["descriptions"]
    rows = [
        f"\n## Skills\n\nShare answered rightly: {skills['questions']} questions a line, "
        f"{skills['games']} games; greedy, and sampled at temperature 1. One run, one seed.\n"
    ]
    for group, lines in groupby(skills["lines"], key=lambda line: line["group"]):
        rows.append(f"\n| {group} | greedy | sampled |\n|---|---|---|\n")
        rows += [f"| {e['name']} | {e['greedy']:.2f} | {e['sampled']:.2f} |\n" for e in lines]
    rows.append(
        f"\nA sampled description of a thing it has never read about has {told['tokens']:.1f} "
        f"tokens in {told['sentences']:.1f} sentences; a share of {told['polite']:.2f} is polite.\n"
    )
    return "".join(rows)


def _corpus(variant: str) -> str:
    mix = VARIANTS[variant]
    total = sum(share for _, share in mix.values())
    rows = ["\n## Corpus\n\n| kind | share of documents |\n|---|---|\n"]
    rows += [f"| {kind} | {share / total:.3f} |\n" for kind, (_, share) in mix.items()]
    return "".join(rows)
