"""Attacks on processes: ending, killing, starting and watching them."""

from ..harness import Attack

ENDED = "ended its own process"

ATTACKS = [
    Attack(
        family="process",
        name="ends its process with os._exit",
        code="import os; os._exit(0)",
        status="error",
        says=ENDED,
    ),
    Attack(
        family="process",
        name="kills its parent",
        code="import os, signal\nattempt(lambda: [os.kill(os.getppid(), 9)])",
    ),
]
