"""A training client that computes nothing: it notes what is asked and answers with made-up losses.

What Lab 2's answers do with a client shows in its notes, many times faster than by training.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import tinker


class Future:
    """Done already; `seen` tells whether anybody waited for it."""

    def __init__(self, value: Any) -> None:
        self.value, self.seen = value, False

    def result(self, timeout: float | None = None) -> Any:
        self.seen = True
        return self.value


def described(datum: tinker.Datum) -> Any:
    """Tokens and loss inputs as plain lists."""
    inputs = {name: list(array.data) for name, array in sorted(datum.loss_fn_inputs.items())}
    return [datum.model_input.to_ints(), inputs]


class FakeClient:
    """`losses` are given out one after the other, one for each evaluation."""

    def __init__(self, losses: Sequence[float]) -> None:
        self.notes: list[Any] = []
        self._losses = list(losses)
        self._pending: Future | None = None

    def forward_backward(self, data: Sequence[tinker.Datum], loss_fn: str) -> Future:
        self.notes.append(["forward_backward", loss_fn, [described(one) for one in data]])
        # The loss of a token depends on how often weights were moved: steps can be told apart.
        steps = sum(note[0] == "optim_step" for note in self.notes)
        self._pending = Future(output(data, 2.0 / (1 + steps)))
        return self._pending

    def optim_step(self, adam_params: tinker.AdamParams) -> Future:
        ahead = self._pending is not None and not self._pending.seen
        rate = adam_params.learning_rate
        self.notes.append(["optim_step", rate, adam_params.eps, ahead])
        return Future(SimpleNamespace())

    def forward(self, data: Sequence[tinker.Datum], loss_fn: str) -> Future:
        self.notes.append(["forward", loss_fn, [described(one) for one in data]])
        return Future(output(data, self._losses.pop(0)))

    def save_state(self, name: str) -> Future:
        self.notes.append(["save_state", name])
        return Future(SimpleNamespace(path=f"fake://{name}"))


def output(data: Sequence[tinker.Datum], loss: float) -> Any:
    """What the service answers when every token of `data` has this loss."""
    total, outputs = 0.0, []
    for datum in data:
        weights = datum.loss_fn_inputs["weights"].data
        total += loss * sum(weights)
        logprobs = tinker.TensorData(
            data=[-loss] * len(weights), dtype="float32", shape=[len(weights)]
        )
        outputs.append({"logprobs": logprobs})
    return SimpleNamespace(loss_fn_outputs=outputs, metrics={"loss:sum": total})
