"""The process: opens the state folder, listens, says where, and ends in order.

`kill -9` needs no order: the store is a write-ahead log, checkpoints are renamed into place. A
second service on the same state folder is refused. Loopback unless another host is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import logging.handlers
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from shared.tinker.errors import TinkerKitError, UserError
from shared.tinker.service.access import loopback
from shared.tinker.service.app import build_app
from shared.tinker.service.checkpoints import Checkpoints
from shared.tinker.service.core import Service
from shared.tinker.service.keys import Keys
from shared.tinker.service.limits import Limits
from shared.tinker.service.store import Store
from shared.tinker.service.types import Engine

logger = logging.getLogger(__name__)

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
STOP_SECONDS = 5.0
"""How long a running step may take to end before the process leaves without it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says. `state` is made when new."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    key_file: Path | None = None
    with_parent: bool = False
    limits: Limits = field(default_factory=Limits)


def serve(options: Options, engine: Engine) -> int:
    """Serve until SIGTERM, SIGINT or, `with_parent`, the end of stdin; returns the exit code.

    Raises:
        UserError: the state folder is in use, the address cannot be bound.
    """
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(options.state), _logging(options.state):
        store = Store.open(options.state)
        try:
            keys, api_key = Keys.open(store, options.key_file)
            checkpoints = Checkpoints(store, options.state / "checkpoints", options.limits)
            service = asyncio.run(_run(options, engine, store, checkpoints, keys, api_key))
            if not service.worker.stop(STOP_SECONDS):
                logger.warning("left a running step of the engine behind")
                store.close()
                os._exit(0)
        finally:
            store.close()
    return 0


async def _run(
    options: Options,
    engine: Engine,
    store: Store,
    checkpoints: Checkpoints,
    keys: Keys,
    api_key: str,
) -> Service:
    service = Service.open(engine, store, checkpoints, keys, options.limits)
    app = build_app(service, LOOPBACK_NAMES if loopback(options.host) else ())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        port = await _listen(runner, options)
        stop = _stop_event(options.with_parent)
        _announce(options, port, api_key)
        await stop.wait()
        logger.info("stopping")
        service.give_up_all("the service was stopped")
        await asyncio.sleep(0.1)  # for the answers to leave
    finally:
        with contextlib.suppress(FileNotFoundError):
            (options.state / "service.json").unlink()
        await runner.cleanup()
    return service


async def _listen(runner: web.AppRunner, options: Options) -> int:
    site = web.TCPSite(runner, options.host, options.port)
    try:
        await site.start()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"{options.host}:{options.port} cannot be listened on ({error}). Choose another "
            "--port; 0 takes a free one."
        ) from error
    sockets: list[socket.socket] = list(getattr(site._server, "sockets", ()))  # pyright: ignore[reportPrivateUsage]
    return int(sockets[0].getsockname()[1])


def _announce(options: Options, port: int, api_key: str) -> None:
    """One JSON line on stdout, and service.json (mode 0600, it holds the key) in the state."""
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    facts = {"url": url, "pid": os.getpid()}
    fresh = options.state / f".service.json.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(facts | {"key": api_key, "started_at": time.time()}, file)
    fresh.replace(options.state / "service.json")
    if not loopback(options.host):
        print(
            f"Warning: {options.host} can be reached from other machines, over plain HTTP.",
            file=sys.stderr,
        )
    print(json.dumps(facts), flush=True)
    logger.info("listening on %s", url)


def _stop_event(with_parent: bool) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread: a test
            loop.add_signal_handler(number, stop.set)
    if with_parent:

        def wait_for_the_end() -> None:
            with contextlib.suppress(OSError):
                while os.read(0, 4096):
                    pass
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=wait_for_the_end, name="parent", daemon=True).start()
    return stop


@contextlib.contextmanager
def _alone(state: Path) -> Generator[None]:
    """Hold the state folder; the lock goes with the process, however that ends."""
    with (state / "service.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"Another service uses {state}. Stop it first, or choose another --state."
            ) from error
        yield


@contextlib.contextmanager
def _logging(state: Path) -> Generator[None]:
    """Everything our packages log goes to service.log; no request headers, so no keys."""
    path = state / "service.log"
    path.touch(mode=0o600)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=5 << 20, backupCount=1, encoding="utf-8"
    )
    # What aiohttp says of malformed requests quotes them, keys included.
    handler.addFilter(lambda record: record.name != "aiohttp.server")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    except TinkerKitError:
        raise
    except Exception:
        logger.exception("the service ended")
        raise
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
