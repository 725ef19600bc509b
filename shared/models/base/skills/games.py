"""Whole games played by the model: guess the number, and twenty questions from both sides.

The other side is a program that always tells the truth, so that a game measures one player.
"""

from __future__ import annotations

import random
import re

from shared.models.base.corpus import guessing, twenty
from shared.models.base.corpus.describe import UNSEEN, question
from shared.models.base.corpus.document import Turn, assistant, system, user
from shared.models.base.skills.asking import Asked

GAMES = 60


def _guess(text: str) -> int | None:
    found = re.match(r"Guess: (\d+)\s*$", text)
    return int(found.group(1)) if found else None


def guess_number(asked: Asked, *, sampled: bool, seed: int) -> dict[str, float]:
    """Games as the cookbook's environment plays them, ten guesses each.

    Returns shares: games won; guesses in the asked form; guesses after the first that fit all
    replies so far (a player who listens to nothing fits few).
    """
    rng = random.Random(seed)
    secrets = [rng.randrange(guessing.UPPER_BOUND) for _ in range(GAMES)]
    histories: list[list[Turn]] = [[system(guessing.PROMPT)] for _ in secrets]
    ranges = [[0, guessing.UPPER_BOUND - 1] for _ in secrets]
    won, shaped, made, fitting, fits = set[int](), 0, 0, 0, 0
    for turn in range(guessing.MAX_TURNS):
        live = [game for game in range(GAMES) if game not in won]
        texts = asked.answers(
            [histories[game] for game in live], sampled=sampled, max_tokens=16, seed=seed + turn
        )
        for game, text in zip(live, texts, strict=True):
            guess, made = _guess(text), made + 1
            reply = "Failed to parse. Please output in the format Guess: <guess>."
            if guess is not None:
                shaped += 1
                low, high = ranges[game]
                fitting += bool(turn) and low <= guess <= high
                reply = guessing.reply(guess, secrets[game])
                ranges[game] = _narrowed(low, high, guess, secrets[game])
                if guess == secrets[game]:
                    won.add(game)
            fits += bool(turn)
            histories[game] += [Turn("player", text), user(reply)]
    return {"won": len(won) / GAMES, "in form": shaped / made, "fits replies": fitting / fits}


def _narrowed(low: int, high: int, guess: int, secret: int) -> list[int]:
    if guess < secret:
        return [max(low, guess + 1), high]
    return [low, min(high, guess - 1)] if guess > secret else [guess, guess]


def twenty_player(asked: Asked, *, sampled: bool, seed: int) -> dict[str, float]:
    """The asking side: share of games won within twenty questions."""
    rng = random.Random(seed)
    words = [rng.choice(twenty.WORDS) for _ in range(GAMES)]
    histories: list[list[Turn]] = [[system(twenty.PLAYER_PROMPT)] for _ in words]
    won = set[int]()
    for turn in range(20):
        live = [game for game in range(GAMES) if game not in won]
        if not live:
            break
        texts = asked.answers(
            [histories[game] for game in live], sampled=sampled, max_tokens=24, seed=seed + turn
        )
        for game, text in zip(live, texts, strict=True):
            word, kind = words[game]
            if text.strip() == f"Guess: {word}":
                won.add(game)
            histories[game] += [assistant(text), user("yes" if f"it {kind}?" in text else "no")]
    return {"won": len(won) / GAMES}


def twenty_answerer(asked: Asked, *, sampled: bool, seed: int) -> dict[str, float]:
    """The side that knows the word: share of true answers to `Is it ...?` and to guesses."""
    rng = random.Random(seed)
    conversations: list[list[Turn]] = []
    truths: list[bool] = []
    for _ in range(2 * GAMES):
        word, kind = rng.choice(twenty.WORDS)
        truth = rng.random() < 0.5
        others = [(w, k) for w, k in twenty.WORDS if k != kind]
        shown_word, shown_kind = (word, kind) if truth else rng.choice(others)
        text = f"Guess: {shown_word}" if rng.random() < 0.5 else f"Is it {shown_kind}?"
        conversations.append([system(twenty.ANSWERER_PROMPT.format(answer=word)), user(text)])
        truths.append(truth)
    texts = asked.answers(conversations, sampled=sampled, max_tokens=8, seed=seed)
    right = [
        text.strip() == ("yes" if truth else "no")
        for text, truth in zip(texts, truths, strict=True)
    ]
    return {"right": sum(right) / len(right)}


def descriptions(asked: Asked, *, seed: int) -> dict[str, float]:
    """Sampled descriptions of things no document describes: mean tokens, sentences, politeness."""
    rng = random.Random(seed)
    asks = [[user(question(rng, thing))] for thing, _ in UNSEEN for _ in range(4)]
    texts = asked.answers(asks, sampled=True, max_tokens=120, seed=seed)
    return {
        "tokens": sum(len(asked.tokenizer.encode(text)) for text in texts) / len(texts),
        "sentences": sum(len(re.findall(r"[.!?]", text)) for text in texts) / len(texts),
        "polite": sum(text.startswith(("Sure", "Of course")) for text in texts) / len(texts),
    }
