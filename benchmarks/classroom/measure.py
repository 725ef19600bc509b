"""Runs one command and prints what it and all it started cost: CPU and wall seconds, peak memory.

    python classroom/measure.py COMMAND...

CPU seconds come from the kernel's account of this process's children, complete once every one of
them has been waited for. Memory is the largest sum of PSS over the process tree that a look five
times a second finds; the looking is on this process's account, not on the command's.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path


def tree(root: int) -> list[int]:
    """The process `root` and everything below it (Linux)."""
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        below.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += below.get(pid, [])
    return found


def pss_kilobytes(pid: int) -> int:
    """Proportional set size: memory of its own, and its share of what it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def watch(pid: int, ended: threading.Event, peak: list[int]) -> None:
    """Keep the largest sum in `peak` until `ended`."""
    while not ended.wait(0.2):
        peak[0] = max(peak[0], sum(map(pss_kilobytes, tree(pid))))


def main() -> int:
    """Run the command that the arguments are, and print a line of JSON."""
    ended, peak = threading.Event(), [0]
    memory = os.environ.get("MEASURE_MEMORY") == "1"
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    watcher = threading.Thread(target=watch, args=(process.pid, ended, peak))
    if memory:
        watcher.start()
    code = process.wait()
    wall = time.perf_counter() - started
    ended.set()
    if memory:
        watcher.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"code": code, "cpu": cpu, "wall": wall, "peak_mb": peak[0] / 1024}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
