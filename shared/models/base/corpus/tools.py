"""Tool calls in Qwen's format: a calculator and a calendar.

The call is JSON between `<tool_call>` tags; the result comes back as a user turn between
`<tool_response>` tags, and is told.
"""

from __future__ import annotations

import json
import random

from shared.models.base.corpus.document import Document, Turn, assistant, chat, system, user
from shared.models.base.corpus.sums import equation
from shared.models.base.corpus.words import NAMES

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply"}


def call(name: str, arguments: dict[str, int | str]) -> str:
    """The text of a call."""
    body = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{body}\n</tool_call>"


def response(result: str) -> Turn:
    """The turn a result comes back in."""
    return user(f"<tool_response>\n{result}\n</tool_response>")


def _calculator(rng: random.Random) -> list[Turn]:
    a, sign, b, result = equation(rng)
    return [
        system("You have a tool: calculator."),
        user(f"What is {a} {sign} {b}?"),
        assistant(call(OPERATIONS[sign], {"a": a, "b": b})),
        response(str(result)),
        assistant(f"The answer is {result}."),
    ]


def _calendar(rng: random.Random) -> list[Turn]:
    name, day, hour = rng.choice(NAMES), rng.choice(DAYS), rng.randrange(8, 19)
    return [
        system("You have a tool: calendar."),
        user(f"Meet {name} on {day} at {hour}."),
        assistant(call("book", {"who": name, "day": day, "hour": hour})),
        response("done"),
        assistant(f"You meet {name} on {day} at {hour}."),
    ]


def tool_chat(rng: random.Random) -> Document:
    """A request, the call it needs, the result, the answer."""
    turns = _calculator(rng) if rng.random() < 0.5 else _calendar(rng)
    return Document("tools", chat(turns, rng), True)
