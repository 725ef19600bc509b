"""Jupyter servers as a person starts them, each with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def start_server(
    folder: Path, home: Path, module: str = "jupyter_server"
) -> tuple[subprocess.Popen[bytes], Path]:
    """A Jupyter server in `folder`, as a person starts it, with a home of its own."""
    folders = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    own = {f"JUPYTER_{name}": str(home / name.lower()) for name in folders}
    programs = str(Path(sys.executable).parent)
    environment = os.environ | own | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    environment["PATH"] = os.pathsep.join([programs, environment["PATH"]])
    environment.pop("MPLBACKEND", None)  # figures belong into the notebook
    arguments = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--ServerApp.port_retries=0",
        "--IdentityProvider.token=", "--ServerApp.password=",
    ]  # fmt: skip
    command = [sys.executable, "-m", module, *arguments]
    with (home / "server.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    return running, home / "runtime_dir"


def address_of(running: subprocess.Popen[bytes], runtime: Path, seconds: float = 60) -> str | None:
    """Where the server answers, from the file it writes when it does; None when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and running.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(path.read_text())["url"]
            except ValueError:
                pass  # half written
        time.sleep(0.1)
    return None


@contextmanager
def served(folder: Path, home: Path, module: str = "jupyter_server") -> Iterator[str]:
    """The address of a server in `folder` while the block runs."""
    running, runtime = start_server(folder, home, module)
    try:
        address = address_of(running, runtime)
        if address is None:
            pytest.fail((home / "server.log").read_text()[-3000:])
        yield address
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
