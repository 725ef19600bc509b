"""The embedded service against plain torch: training, sampling, an empty call, start and memory.

    python benchmarks/service.py [--runs 15]

Both sides run in processes of their own with one thread, on the same data and the model that
ships, and take turns, so that whatever else the machine does hits both. Ratios are of medians; a
ratio above 1 says that the service is faster, the SDK and HTTP included. The exit status is 1 when
a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TINKER_TELEMETRY", "0")

import numpy as np
import tinker

from shared.models.base import NAME, folder
from shared.tinker.embedded import EmbeddedService

RANK = 32
LEARNING_RATE = 1e-4
SEQUENCES, LENGTH = 32, 128
PROMPTS, SAMPLES, MAX_TOKENS = 8, 8, 64


@dataclass
class Times:
    """Wall and CPU seconds of the repetitions of one thing, and the tokens of each."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    tokens: int = 0

    def add(self, wall: float, cpu: float, tokens: int) -> None:
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.tokens = tokens

    def speed(self) -> float:
        """Tokens per wall second, of the median repetition."""
        return self.tokens / statistics.median(self.wall)

    def cpu_speed(self) -> float:
        """Tokens per CPU second."""
        return self.tokens / statistics.median(self.cpu)


@dataclass(frozen=True)
class Pair:
    """Both sides of a comparison."""

    rival: Times
    ours: Times


class RivalProcess:
    """`serving/rival.py` at the other end of a pipe."""

    def __init__(self, work: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "serving" / "rival.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(json.dumps(work))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def run(self, command: str, times: Times | None = None) -> None:
        """Have a command done; note its times."""
        assert self._process.stdout is not None
        self._tell(command)
        answer = json.loads(self._process.stdout.readline())
        if times is not None:
            times.add(**answer)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_megabytes(pid: int) -> float:
    """Proportional set size: memory of its own, and its share of what it shares (Linux)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss line")


def timed(pid: int, times: Times, call: Callable[[], int]) -> None:
    """Run `call`, which returns tokens; CPU seconds are the service's and this process's."""
    cpu, wall = cpu_seconds(pid) + time.process_time(), time.perf_counter()
    tokens = call()
    wall = time.perf_counter() - wall
    times.add(wall, cpu_seconds(pid) + time.process_time() - cpu, tokens)


def make_work(seed: int = 0) -> dict[str, Any]:
    """The same data for both sides: random tokens, whose values cost nothing."""
    rng = np.random.default_rng(seed)
    return {
        "model": str(folder()),
        "rank": RANK,
        "learning_rate": LEARNING_RATE,
        "sequences": rng.integers(0, 600, (SEQUENCES, LENGTH + 1)).tolist(),
        "prompts": [rng.integers(0, 600, n).tolist() for n in rng.integers(28, 45, PROMPTS)],
        "samples": SAMPLES,
        "max_tokens": MAX_TOKENS,
    }


def make_data(sequences: list[list[int]]) -> list[tinker.Datum]:
    """Cross-entropy datums of whole sequences."""
    return [
        tinker.Datum(
            model_input=tinker.ModelInput.from_ints(tokens[:-1]),
            loss_fn_inputs={
                "target_tokens": tinker.TensorData.from_numpy(np.array(tokens[1:])),
                "weights": tinker.TensorData.from_numpy(np.ones(len(tokens) - 1, np.float32)),
            },
        )
        for tokens in sequences
    ]


class Served:
    """The service side of each comparison, through the SDK."""

    def __init__(self, service: EmbeddedService, work: dict[str, Any]) -> None:
        self.pid = service.pid
        self._client = tinker.ServiceClient(base_url=service.url, api_key=service.key)
        self.training = self._client.create_lora_training_client(NAME, rank=RANK).result()
        self.adam = tinker.AdamParams(learning_rate=LEARNING_RATE)
        self.data = make_data(work["sequences"])
        self.prompts = [tinker.ModelInput.from_ints(p) for p in work["prompts"]]
        self.sampling: tinker.SamplingClient | None = None

    def train(self) -> int:
        """One step, pipelined as the SDK's documentation advises."""
        loss = self.training.forward_backward(self.data, "cross_entropy")
        step = self.training.optim_step(self.adam)
        loss.result()
        step.result()
        return SEQUENCES * LENGTH

    def merge(self) -> None:
        self.sampling = self.training.save_weights_and_get_sampling_client().result()

    def sample(self) -> int:
        """All completions; never stopped early, so that both sides decode the same number."""
        assert self.sampling is not None
        params = tinker.SamplingParams(max_tokens=MAX_TOKENS, temperature=1.0, stop=[])
        futures = [self.sampling.sample(p, SAMPLES, params) for p in self.prompts]
        return sum(len(s.tokens) for future in futures for s in future.result().sequences)

    def close(self) -> None:
        """End the session, so that no heartbeat goes to a service that is gone."""
        self._client.close("success").result(10)

    def empty_call(self) -> int:
        """An optimizer step without a gradient: what a request costs beside its work."""
        self.training.optim_step(self.adam).result()
        return 0


def first_call(work: dict[str, Any], times: Times) -> float:
    """Start a service and have one sequence trained on; returns its idle memory in MB.

    CPU seconds are the service's: this process has imported the SDK already.
    """
    begun = time.perf_counter()
    with EmbeddedService.start() as service:
        served = Served(service, work)
        served.training.forward_backward(served.data[:1], "cross_entropy").result()
        times.add(time.perf_counter() - begun, cpu_seconds(service.pid), 0)
        time.sleep(3)  # at rest it gives freed memory back
        memory = pss_megabytes(service.pid)
        served.close()
    return memory


def line(name: str, figure: str, target: str, met: bool) -> bool:
    """Print one row of the table."""
    print(f"{name:44} {figure:44} {target:>10} {'met' if met else 'MISSED'}")
    return met


def compare(name: str, pair: Pair, target: float) -> bool:
    """One row: tokens a second of both sides and their ratio."""
    ours, rival = pair.ours, pair.rival
    ratio, cpu = ours.speed() / rival.speed(), ours.cpu_speed() / rival.cpu_speed()
    figure = f"{ours.speed():,.0f} / {rival.speed():,.0f} tok/s = {ratio:.2f} (CPU {cpu:.2f})"
    return line(name, figure, f">= {target}", ratio >= target)


def spent(name: str, times: Times, unit: str, target: float) -> bool:
    """One row: median wall and CPU time, in seconds or milliseconds."""
    scale = {"s": 1, "ms": 1000}[unit]
    wall, cpu = (statistics.median(values) * scale for values in (times.wall, times.cpu))
    figure = f"{wall:.1f} {unit} ({cpu:.1f} CPU {unit})"
    return line(name, figure, f"<= {target} {unit}", wall <= target)


def take_turns(runs: int, rival: Callable[[Times], None], ours: Callable[[Times], None]) -> Pair:
    """Times of the rival and of ours, one after the other; the first turn warms both up."""
    rival(Times())
    ours(Times())
    pair = Pair(Times(), Times())
    for _ in range(runs):
        rival(pair.rival)
        ours(pair.ours)
    return pair


def measure(options: argparse.Namespace) -> list[bool]:
    """Run everything and print the table; which targets are met."""
    work, start, empty = make_work(), Times(), Times()
    memory = statistics.median(first_call(work, start) for _ in range(3))
    rival = RivalProcess(work)
    with EmbeddedService.start() as service:
        served = Served(service, work)
        train = take_turns(
            options.runs,
            lambda times: rival.run("train", times),
            lambda times: timed(served.pid, times, served.train),
        )
        for _ in range(100):
            timed(served.pid, empty, served.empty_call)
        rival.run("merge")
        served.merge()
        sample = take_turns(
            options.runs,
            lambda times: rival.run("sample", times),
            lambda times: timed(served.pid, times, served.sample),
        )
        served.close()
    rival.stop()
    # The clock of /proc ticks too slowly for one call.
    empty.cpu = [statistics.mean(empty.cpu)]
    return [
        compare(f"training, {SEQUENCES} x {LENGTH} tokens", train, 0.95),
        compare(f"sampling, {PROMPTS} x {SAMPLES} x {MAX_TOKENS} tokens", sample, 2.0),
        spent("an empty call (optim_step)", empty, "ms", 10),
        spent("start to first forward_backward", start, "s", 8),
        line("idle memory", f"{memory:.0f} MB (PSS)", "< 700 MB", memory < 700),
    ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15, help="turns of each side; medians count")
    return 0 if all(measure(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
