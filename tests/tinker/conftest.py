"""Fixtures: the fake service in place of the real process, and services of this process undone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.tinker import client, embedded
from shared.tinker.state import Running, read_running

FAKE = (sys.executable, "-P", str(Path(__file__).parent / "fake_service.py"))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key and no proxy of the machine; state folders below the test's own."""
    for name in ("TINKER_API_KEY", "TINKER_BASE_URL", "TINKER_TELEMETRY", "TINKER_CREDENTIAL_CMD"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, "")
            monkeypatch.delenv(spelling)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def closed_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK leaves connections open for the life of the process; a test's end with the test."""
    from tinker.lib import internal_client_holder as sdk

    pools: list[sdk.ClientConnectionPool] = []
    make = sdk.InternalClientHolder._create_client_connection_pool

    def remembered(*args: Any, **options: Any) -> sdk.ClientConnectionPool:
        pools.append(make(*args, **options))
        return pools[-1]

    monkeypatch.setattr(sdk.InternalClientHolder, make.__name__, remembered)
    yield
    sdk.sessionless_holder_cache._holders.clear()
    loop = sdk._internal_client_holder_thread_singleton.get_loop()
    for pool in pools:
        asyncio.run_coroutine_threadsafe(pool.close(), loop).result(10)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started is the fake, in this test."""
    monkeypatch.setattr(embedded, "COMMAND", FAKE)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[bool, embedded.EmbeddedService]]:
    """This process has started no service yet; what the test starts is stopped."""
    services: dict[bool, embedded.EmbeddedService] = {}
    monkeypatch.setattr(client, "_services", services)
    yield services
    for service in services.values():
        service.stop()


@dataclass(frozen=True)
class Named:
    """A server that somebody else runs."""

    process: subprocess.Popen[bytes]
    running: Running
    state: Path

    @classmethod
    def start(cls, state: Path, port: int = 0) -> Named:
        state.mkdir(exist_ok=True)
        command = [*FAKE, "--state", str(state), "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        running = read_running(state)
        assert running is not None
        return cls(process, running, state)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    """A fake server, running on its own."""
    server = Named.start(tmp_path / "named")
    yield server
    server.kill()
