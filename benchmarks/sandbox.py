"""What the sandbox costs, each figure beside a rival measured in the same run.

Run `python benchmarks/sandbox.py`. It prints:
- the start of a zygote with everything imported,
- fork and jail against a fresh `python -c "import torch"`, the price of isolation without a fork,
- a call into the jail against the same call through an `Interpreter` in this process, and against
  the bare Python call.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from autograder.sandbox.client import Zygote
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Call, SourceCell

CELLS = [SourceCell("double", "solution", "def double(x):\n    return x + x")]
OP = Call("double", (np.ones(100, np.float32),))


def measure(action: Callable[[], object], times: int) -> float:
    """Median wall seconds of `action`."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def line(name: str, value: str, rival: str = "") -> None:
    print(f"{name:<34}{value:>12}   {rival}")


def fresh_python() -> None:
    subprocess.run([sys.executable, "-c", "import torch"], check=True)


def cycle(zygote: Zygote) -> None:
    zygote.spawn(Limits()).close()


def at_level(level: str, fresh: float) -> None:
    start = time.perf_counter()
    with Zygote.start(level=level, trust=level == "trusted") as zygote:
        line(f"zygote start, level {level}", f"{time.perf_counter() - start:.2f} s")
        spawn = measure(lambda: cycle(zygote), 40)
        rival = f"{fresh / spawn:.0f} times faster than python -c 'import torch'"
        line("fork, jail and end", f"{spawn * 1e3:.1f} ms", rival)
        with zygote.spawn(Limits(cpu_seconds=60)) as jail:
            jail.load(CELLS)
            jailed = measure(lambda: jail.execute(OP), 2000)
        local = Interpreter()
        local.load(CELLS)
        near = measure(lambda: local.execute(OP), 2000)
        function = {}
        exec(CELLS[0].source, function)
        plain = measure(lambda: function["double"](*OP.args), 2000)
        line("call in the jail", f"{jailed * 1e6:.0f} us", f"{jailed / near:.1f} x in-process")
        line("same call in this process", f"{near * 1e6:.0f} us", "copied in and out")
        line("bare Python call", f"{plain * 1e6:.1f} us")


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    fresh = measure(fresh_python, 3)
    line("python -c 'import torch'", f"{fresh:.2f} s")
    for level in ("A", "B"):
        at_level(level, fresh)


if __name__ == "__main__":
    main()
