"""A service to talk to: in a thread over the null engine, or a process over the real one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
import tinker
from aiohttp import web

from shared.tinker.service.app import build_app
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.core import Service
from shared.tinker.service.keys import Keys
from shared.tinker.service.limits import Limits
from shared.tinker.service.server import LOOPBACK_NAMES
from shared.tinker.service.store import Store
from tests.service.null_engine import NAME, NullEngine

os.environ.setdefault("TINKER_TELEMETRY", "0")


@dataclass(kw_only=True)
class Running:
    """A service that listens. `engine` and `inner` are None when it is another process."""

    url: str
    key: str
    state: Path
    engine: NullEngine | None = None
    inner: Service | None = None
    loop: asyncio.AbstractEventLoop | None = None
    process: subprocess.Popen[str] | None = None

    def post(self, path: str, payload: object = None, **options: object) -> tuple[int, dict]:
        """One request without the SDK: status and JSON answer ({} when it is not JSON)."""
        status, kind, body = self.raw("POST", path, json=payload, **options)
        return status, json.loads(body) if kind == "application/json" else {}

    def raw(self, method: str, path: str, **options: object) -> tuple[int, str, bytes]:
        """Status, content type and body of one request; `headers` replace the key."""

        async def ask() -> tuple[int, str, bytes]:
            timeout = aiohttp.ClientTimeout(total=30)
            async with aiohttp.ClientSession(timeout=timeout) as http:
                given = {"headers": {"X-API-Key": self.key}, **options}
                async with http.request(method, self.url + path, **given) as answer:
                    return answer.status, answer.content_type, await answer.read()

        return asyncio.run(ask())


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something; fails when it does not come true."""
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, "it did not come true"
        time.sleep(0.005)


@contextmanager
def null_service(
    state: Path, engine: NullEngine | None = None, limits: Limits | None = None
) -> Iterator[Running]:
    """The service in a thread of this process, over the null engine."""
    engine = engine or NullEngine()
    store = Store.open(state)
    keys, api_key = Keys.open(store)
    limits = limits or Limits()
    checkpoints = Checkpoints(store, state / "checkpoints", limits)
    started, stop = threading.Event(), asyncio.Event()
    running = Running(url="", key=api_key, state=state, engine=engine)

    async def run() -> None:
        service = Service.open(engine, store, checkpoints, keys, limits)
        runner = web.AppRunner(
            build_app(service, LOOPBACK_NAMES), access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        running.url, running.inner = f"http://127.0.0.1:{port}", service
        running.loop = asyncio.get_running_loop()
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="null service")
    thread.start()
    assert started.wait(10), "the service did not start"
    try:
        yield running
    finally:
        engine.gate.set()
        assert running.loop is not None and running.inner is not None
        running.loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        running.inner.worker.stop(5)
        store.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    """A fresh service over the null engine."""
    with null_service(tmp_path / "state") as running:
        yield running


NULL_MAIN = """
import sys
import shared.tinker.service.engine as real
from tests.service.null_engine import NAME, NullEngine
real.TorchEngine = lambda sources, device: NullEngine()
from shared.tinker.service.__main__ import main
sys.exit(main())
"""
"""`spawned(script=NULL_MAIN)`: the process with the null engine in the real one's place."""


@contextmanager
def spawned(state: Path, *arguments: str, script: str | None = None) -> Iterator[Running]:
    """The service as a process; `script` is Python to run instead of the module."""
    command = [sys.executable, *(("-c", script) if script else ("-m", "shared.tinker.service"))]
    command += ["--state", str(state), "--with-parent", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            told = json.loads(process.stdout.readline() or "{}")
            assert "url" in told, "the service did not start"
            key = json.loads((state / "service.json").read_text())["key"]
            yield Running(url=told["url"], key=key, state=state, process=process)
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="session")
def tiny_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The real service with the model that ships, shared by all tests of this process."""
    with spawned(tmp_path_factory.mktemp("tiny") / "state") as running:
        yield running


@pytest.fixture
def client_for() -> Iterator[Callable[[Running], tinker.ServiceClient]]:
    """Makes real SDK clients; they are closed when the test ends."""
    made: list[tinker.ServiceClient] = []

    def make(running: Running, key: str | None = None) -> tinker.ServiceClient:
        client = tinker.ServiceClient(base_url=running.url, api_key=key or running.key)
        made.append(client)
        return client

    yield make
    for client in made:
        with suppress(TimeoutError):  # its service may be gone
            client.close("success").result(2)


@pytest.fixture
def client(
    service: Running, client_for: Callable[..., tinker.ServiceClient]
) -> tinker.ServiceClient:
    """An SDK client of `service`."""
    return client_for(service)


@pytest.fixture
def model(client: tinker.ServiceClient) -> tinker.TrainingClient:
    """A model of `client`."""
    return client.create_lora_training_client(NAME, rank=8).result()


@pytest.fixture
def short_limits() -> Limits:
    """Limits under which waiting is quick."""
    return replace(Limits(), hold_seconds=0.3, heartbeat_seconds=1.5, gap_seconds=0.2)
