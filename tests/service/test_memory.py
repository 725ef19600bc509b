"""The service keeps freed memory while it works and gives it back when it rests."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from shared.tinker.service import memory, work
from tests.service.conftest import until
from tests.service.null_engine import NullEngine

SCRIPT = """
import ctypes, gc
from shared.tinker.service import memory
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
memory.keep_freed()
blocks = [bytearray(b"x" * (8 << 20)) for _ in range(16)]
del blocks
kept = resident()
memory.give_back()
print(kept - resident())
"""


@pytest.mark.skipif(memory._libc() is None, reason="needs glibc")
def test_freed_blocks_stay_until_they_are_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    # Of 128 MB freed; other small blocks may hold a little of it.
    assert int(done.stdout) > 100 << 20


def test_nothing_is_done_where_the_c_library_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_libc", lambda: None)
    memory.keep_freed()
    memory.give_back()


def test_a_worker_gives_memory_back_once_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "REST", 0.01)
    given: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(1))
    worker = work.Worker(NullEngine())
    worker.start()
    try:
        for _ in range(2):
            time.sleep(0.3)  # it may rest before the call, too
            before = len(given)
            assert worker.call("lane", lambda: 1).result(10) == 1
            until(lambda before=before: len(given) > before)
            rested = len(given)
            time.sleep(0.3)
            assert len(given) == rested
    finally:
        assert worker.stop(10)
