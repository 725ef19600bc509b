"""The process that runs a student's cells for `check` and `submit`: `python -m` this module.

A job comes as JSON on standard input; events go out as JSON lines on what was standard output.
The student's own output is thrown away. A watchdog ends the process when a step has used its CPU
time, which works on every system and does not mind how busy the machine is.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from autograder.errors import LabkitError
from autograder.lab import load_spec
from autograder.sandbox.deferred import defer
from autograder.sandbox.interpreter import Interpreter
from autograder.sandbox.ops import SourceCell

COLLECT_EVERY = 100_000
"""New objects between two garbage collections: importing torch and transformers makes hundreds of
thousands that stay, and looking through them at the usual 700 takes a tenth of a check's time."""
RECELL_CPU_SECONDS = 2.0
"""Added to each exercise's own limit, for running the cells again."""


class Channel:
    """Where events go. The watchdog writes here too, hence the lock."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one event."""
        with self._lock:
            self._stream.write(json.dumps({"event": kind, **fields}) + "\n")
            self._stream.flush()


class Watchdog:
    """Ends the process, after telling, once the CPU time given to the running step is used up."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._step: tuple[str, float, float] | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def allow(self, step: str, seconds: float) -> None:
        """From now on `step` may use `seconds` of CPU time."""
        self._step = (step, time.process_time(), seconds)

    def _watch(self) -> None:
        while True:
            time.sleep(0.1)
            step = self._step
            if step is not None and time.process_time() - step[1] > step[2]:
                self._channel.send("timeout", step=step[0], seconds=step[2])
                os._exit(3)


def main() -> None:
    """Read the job, run it, send events."""
    gc.set_threshold(COLLECT_EVERY)
    job: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    channel = _take_standard_streams()
    try:
        _run(job, channel)
    except LabkitError as error:
        channel.send("refused", message=str(error))
    except BaseException:
        channel.send("crashed", message=traceback.format_exc())
    os._exit(0)  # threads the student started must not keep us here


def _take_standard_streams() -> Channel:
    """Keep standard output for events; the student's code gets the null device."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    return Channel(events)


def _run(job: dict[str, Any], channel: Channel) -> None:
    cells = [SourceCell(**cell) for cell in job["cells"]]
    service = _service(Path(job["lab_dir"]))
    if service is None:  # else threads of the SDK may be the first to use it
        defer("torch")
    watchdog = Watchdog(channel)
    _load(cells, job["cell_cpu_seconds"], channel, watchdog)
    if job["exercises"]:
        _check(job, cells, channel, watchdog, service)
    channel.send("done")


def _service(lab_dir: Path) -> tuple[str, str] | None:
    """The embedded service of this check, for a lab that needs one; cells find it by `connect()`.

    It ends with this process: its standard input is a pipe of ours. What it keeps is in the working
    folder, which whoever started us removes.
    """
    need = load_spec(lab_dir).service
    if need is None:
        return None
    from autograder.judge.service import started

    service = started(need, state=Path.cwd() / "service")
    os.environ.update(TINKER_BASE_URL=service.url, TINKER_API_KEY=service.key)
    return service.url, service.key


def _load(
    cells: list[SourceCell], cpu_seconds: float, channel: Channel, watchdog: Watchdog
) -> None:
    """Run every cell once, so that a slow one is named and imports count for no exercise."""
    interpreter = Interpreter()
    for cell in cells:
        channel.send("loading", cell=cell.id)
        watchdog.allow(cell.id, cpu_seconds)
        for report in interpreter.load([cell]):
            channel.send("loaded", report=asdict(report))


def _check(
    job: dict[str, Any],
    cells: list[SourceCell],
    channel: Channel,
    watchdog: Watchdog,
    service: tuple[str, str] | None,
) -> None:
    from autograder.judge.runner import check

    for name, cpu_seconds in job["exercises"]:
        channel.send("checking", exercise=name)
        watchdog.allow(name, cpu_seconds + RECELL_CPU_SECONDS)
        verdict = check(cells, Path(job["lab_dir"]), [name], service=service)
        channel.send("verdict", exercise=name, verdict=verdict.model_dump(mode="json"))


if __name__ == "__main__":
    main()
