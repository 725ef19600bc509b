"""The trusted side of a door: takes the connections of one jail and asks the service for it.

A connection is one request and one answer. The request is read whole before the service hears of
it, under a deadline, so that a slow, silent or endless one costs nobody but its sender. Runs in a
thread of its own; what it finds wrong with the service is in `lost`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlsplit

from autograder.sandbox.http_head import END, HEAD_BYTES, BadRequest, parse
from autograder.sandbox.toll import BODY_BYTES, Toll

CONNECTIONS = 96
"""Connections of one jail that are served at once; more wait until one of these ends."""

ROOM_BYTES = 2 * BODY_BYTES
"""Bodies of one jail that are held at once; the next one waits until there is room."""

PER_SECOND, BURST = 200, 1000
"""Requests of one jail: so many a second for long, and so many at once after a pause."""

REQUEST_SECONDS = 20.0
"""How long a request may take to arrive, and one part of an answer to be taken."""

ANSWER_SECONDS = 90.0
"""How long the service may be silent. It answers within 20 s, however long its work takes."""

_CHUNK = 1 << 16


@dataclass
class _Pace:
    """A bucket of `BURST` requests that fills with `PER_SECOND`."""

    left: float
    at: float

    async def wait(self) -> None:
        """Take one, when there is one."""
        now = asyncio.get_running_loop().time()
        self.left = min(float(BURST), self.left + (now - self.at) * PER_SECOND)
        self.at = now
        self.left -= 1
        if self.left < 0:
            await asyncio.sleep(-self.left / PER_SECOND)


class Relay:
    """Serves the door of one jail from `listener` until it is closed.

    Attributes:
        lost: why the service could not be asked; None as long as it could.
    """

    def __init__(self, listener: socket.socket, url: str, toll: Toll) -> None:
        self.lost: str | None = None
        self._listener = listener
        self._listener.setblocking(False)
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._toll = toll
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._room = _Room()
        self._main = self._loop.create_task(self._serve())
        self._thread = threading.Thread(target=self._run, daemon=True, name="labkit-door")
        self._thread.start()

    def close(self) -> None:
        """Close every connection and the door. Closing twice is fine."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(5)
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)
        self._loop.close()

    async def _serve(self) -> None:
        try:
            await self._accept()
        except OSError as error:
            self.lost = self.lost or f"the door failed: {error}"
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)  # for the transports to close

    async def _accept(self) -> None:
        pace = _Pace(left=BURST, at=self._loop.time())
        while True:
            await self._slots.acquire()
            await pace.wait()
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except ConnectionError:  # it was given up before it was taken
                self._slots.release()
                continue
            task = self._loop.create_task(self._one(connection))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.lost = self.lost or f"the door failed: {type(error).__name__}: {error}"

    async def _one(self, connection: socket.socket) -> None:
        """One request from the jail, and its answer."""
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=HEAD_BYTES)
        except OSError:
            connection.close()
            return
        try:
            await self._pass_on(reader, writer)
        except BadRequest as refused:
            with contextlib.suppress(OSError):
                await _refuse(reader, writer, refused)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            writer.transport.abort()  # too slow, gone, or no head: the jail's own affair
        finally:
            await _closed(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_SECONDS):
            head = parse(await reader.readuntil(END))
        self._toll.check(head)
        async with self._room.of(head.length):
            async with asyncio.timeout(REQUEST_SECONDS):
                body = await reader.readexactly(head.length)
            await self._answer(head.written(f"{self._host}:{self._port}") + body, writer)

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            reader, service = await asyncio.open_connection(self._host, self._port)
        except OSError as error:
            raise self._no_service(str(error)) from None
        try:
            service.write(request)
            chunk = await self._next(reader)
            if not chunk:
                raise self._no_service("it closed the connection without an answer")
            while chunk:
                writer.write(chunk)
                async with asyncio.timeout(REQUEST_SECONDS):
                    await writer.drain()
                chunk = await self._next(reader)
        finally:
            service.transport.abort()  # the answer is complete, or of no use any more

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        """The next part of an answer; nothing at its end, and when the service fails in it."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await reader.read(_CHUNK)
        except TimeoutError:
            self.lost = self.lost or f"no answer within {ANSWER_SECONDS:g} s"
        except OSError as error:
            self.lost = self.lost or str(error)
        return b""

    def _no_service(self, why: str) -> BadRequest:
        self.lost = self.lost or why
        # Not a 5xx: the SDK would repeat such a request for minutes.
        return BadRequest(403, "The Tinker service of this run has ended.")


class _Room:
    """Bytes that may be held at once; whoever needs more than there are waits."""

    def __init__(self) -> None:
        self._free = ROOM_BYTES
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def of(self, size: int) -> AsyncGenerator[None]:
        """Hold `size` bytes, when there is room for them."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            async with self._changed:
                self._changed.notify_all()


async def _refuse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refused: BadRequest
) -> None:
    """Say why, then let the sender finish: closing before would take the answer away from it."""
    body = json.dumps({"error": str(refused), "category": "user"}).encode()
    head = (
        f"HTTP/1.1 {refused.status} Refused\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    async with asyncio.timeout(REQUEST_SECONDS):
        writer.write(head.encode() + body)
        await writer.drain()
        writer.write_eof()
        while await reader.read(_CHUNK):
            pass


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection once all is sent, or when that takes too long."""
    writer.close()
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await writer.wait_closed()
    except OSError:
        pass
    finally:
        writer.transport.abort()
