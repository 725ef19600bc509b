"""One warm zygote for each level, shared by all tests here; a jail costs milliseconds."""

import time
from pathlib import Path

import pytest

from autograder.sandbox.client import Zygote
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Snippet
from autograder.sandbox.probe import probe

PRELOAD = ("shared", "numpy", "torch")


@pytest.fixture(scope="session")
def zygotes():
    """Zygotes by level, started when first asked for."""
    running = {}
    offered = probe().level

    def at(level):
        if offered is None or (level == "A" and offered != "A"):
            pytest.skip(f"this kernel offers level {offered}")
        if level not in running:
            trust = level == "trusted"
            running[level] = Zygote.start(level=level, trust=trust, preload=PRELOAD)
        return running[level]

    yield at
    for zygote in running.values():
        zygote.close()


@pytest.fixture(scope="session", params=["A", "B"])
def zygote(request, zygotes):
    return zygotes(request.param)


@pytest.fixture(scope="module")
def jail(zygote):
    """One jail for many refused attempts: they leave it as it was."""
    with zygote.spawn(Limits(cpu_seconds=60, wall_seconds=90, memory_mb=256)) as jail:
        yield jail


@pytest.fixture
def inside(jail):
    """Run lines in the jail; the outcome of `result`."""

    def run(code, **inputs):
        return jail.execute(Snippet(code, inputs))

    return run


@pytest.fixture(scope="module")
def warm(zygotes):
    return zygotes(probe().level)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A zygote of the test's own that may be killed, with its own temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Zygote.start(preload=()) as zygote:
        yield zygote
    monkeypatch.setattr("tempfile.tempdir", None)


@pytest.fixture
def gone():
    """Whether a process ends within some seconds."""
    return _gone


def _gone(pid, seconds=5.0):
    """The process ends within `seconds`; a zombie whose parent is busy counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
