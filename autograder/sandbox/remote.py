"""The caller's end of one jail: asks, waits within the budget, and trusts nothing that comes back.

Time is read from the jailed process's own CPU clock, so other load on the machine does not count.
Wall time is only a backstop for code that sleeps: what the process had to queue for a processor is
taken off.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any, Self, cast

from autograder.errors import EnvironmentRefused
from autograder.sandbox import door, frames, wire
from autograder.sandbox.clocks import Clock
from autograder.sandbox.ending import ending, overrun
from autograder.sandbox.errors import JailDied, Reason, SandboxError, WireError
from autograder.sandbox.failure import trim, trim_report
from autograder.sandbox.limits import Limits, Usage
from autograder.sandbox.ops import CellReport, Op, Outcome, Raised, Returned, SourceCell

_TOKEN = 8
_LONGEST_WAIT = 0.2
_SETUP_SECONDS = 60.0
_END_SECONDS = 3.0
"""How long a process that hung up may take to end: how it ended must not depend on other load."""
_FRAME = wire.DEFAULT.total_bytes + _TOKEN


class Jail:
    """One jailed fork. Operations raise `JailDied` once it is gone. Not for several threads."""

    def __init__(
        self, data: socket.socket, report: socket.socket, output: int, limits: Limits, level: str
    ) -> None:
        self.level = level
        self.limits = limits
        self._data, self._report, self._output = data, report, output
        self._text = bytearray()
        self._inbox = bytearray()
        self._news = b""
        self._status: dict[str, Any] | None = None
        self._death: JailDied | None = None
        self._closed = False
        self._printing = True
        self._wall = 0.0
        self._clock = Clock()
        self.listener: socket.socket | None = None
        self._data.setblocking(False)
        self._report.settimeout(_SETUP_SECONDS)
        try:
            self.pid = int(self._next_news()["pid"])
            self._get_ready()
        except BaseException:
            self.close()
            raise

    # --- what a judge calls -----------------------------------------------------------------------

    def load(self, cells: Sequence[SourceCell]) -> tuple[CellReport, ...]:
        """Run `cells`; an error in one does not stop the next."""
        answer = self._ask(wire.encode(("load", tuple(cells))))
        given = cast(tuple[Any, ...], answer) if type(answer) is tuple else ()
        reports = [report for report in given if type(report) is CellReport]
        if [report.id for report in reports] != [cell.id for cell in cells]:
            raise self._die("protocol", "the answer to load is not one report for each cell")
        return tuple(trim_report(report) for report in reports)

    def execute(self, op: Op) -> Outcome:
        """Do one operation inside."""
        return self.outcome(self._ask(wire.encode(("execute", op))))

    def execute_all(self, question: bytes) -> tuple[bytes, ...]:
        """Answer what `worker.many` made: outcomes still encoded, to be read as `outcome` does."""
        answer = self._ask(question)
        if type(answer) is not tuple or any(type(part) is not bytes for part in answer):
            raise self._die("protocol", "the answer is no list of outcomes")
        return cast(tuple[bytes, ...], answer)

    def outcome(self, answer: Any) -> Outcome:
        """An answer that came, as an outcome within bounds; the jail ends if it is none."""
        if type(answer) is Raised:
            return trim(answer)
        if type(answer) is not Returned:
            raise self._die("protocol", f"the answer is a {type(answer).__name__}")
        return answer

    def reset(self) -> None:
        """Let the jail forget every object a `Handle` stands for."""
        self._ask(wire.encode(("reset", None)))

    def start_anew(self) -> None:
        """The same, and draw random numbers again as right after the last `load`."""
        self._ask(wire.encode(("anew", None)))

    @property
    def stdout(self) -> str:
        """What the code printed so far, at most the limit's length. For a log, never for a mark."""
        return self._text.decode("utf-8", errors="replace")

    @property
    def cpu_seconds(self) -> float:
        """CPU time used since the jail was ready."""
        return self._clock.read_cpu()

    @property
    def wall_seconds(self) -> float:
        """Time spent waiting for answers, less what the process had to queue for a processor."""
        queued = self._clock.read_queued() if self._wall > _LONGEST_WAIT else 0.0
        return max(0.0, self._wall - queued)

    def close(self) -> Usage:
        """End the jail and say what it used. Closing twice is fine."""
        if not self._closed:
            self._end()
            self._drain()
            self._closed = True
            self._data.close()
            self._report.close()
            os.close(self._output)
        return Usage(
            cpu_seconds=self._clock.cpu,
            wall_seconds=self.wall_seconds,
            peak_mb=(self._status or {}).get("peak_kb", 0) / 1024,
            output_bytes=len(self._text),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get_ready(self) -> None:
        """Wait until the jail says that it is one; no student code runs before."""
        poll = select.poll()
        poll.register(self._data, select.POLLIN)
        answer, end = None, time.monotonic() + _SETUP_SECONDS
        while answer is None and time.monotonic() < end:
            poll.poll(1000)
            try:
                chunk, listener = door.take(self._data)
                self.listener = listener or self.listener
                answer = self._frame(chunk)
            except BlockingIOError:
                continue
            except (ConnectionError, EOFError, WireError) as error:
                answer = str(error).encode()
        if answer != b"ready":
            said = (answer or b"no answer").decode(errors="replace")
            raise EnvironmentRefused(
                f"The jail at level {self.level} could not be built: {said}. See `labkit doctor`."
            )
        self._clock.start(self.pid)

    def _ask(self, question: bytes) -> Any:
        if self._death is not None:
            raise JailDied(self._death.reason, self._death.detail)
        if self._closed:
            raise SandboxError("this jail is closed")
        token = os.urandom(_TOKEN)
        answer = self._exchange(frames.pack(token + question))
        if answer[:_TOKEN] != token or self._inbox:
            raise self._die("protocol", "it answered something that was not asked")
        start = time.monotonic()
        try:
            return wire.decode(memoryview(answer)[_TOKEN:])
        except WireError as error:
            raise self._die("protocol", str(error)) from None
        finally:  # an answer that takes long to read is on the code's account, not the judge's
            self._wall += time.monotonic() - start

    def _exchange(self, question: bytes) -> bytes:
        """Send, then wait for the answer while watching time and output."""
        rest = memoryview(question)
        poll = select.poll()
        poll.register(self._data, select.POLLIN | select.POLLOUT)
        if self._printing:
            poll.register(self._output, select.POLLIN)
        last = time.monotonic()
        while True:
            patience = self._patience()
            poll.poll(max(1, int(1000 * patience)))
            try:
                if rest:
                    rest = rest[self._send(rest) :]
                    if not rest:
                        poll.modify(self._data, select.POLLIN)
                if self._printing and not self._drain():
                    self._printing = False  # the code closed its own streams
                    poll.unregister(self._output)
                answer = self._receive()
            except (ConnectionError, EOFError, WireError) as error:
                raise self._explain(error) from None
            now = time.monotonic()
            passed, last = now - last, now
            if answer is not None:
                self._wall += min(passed, patience)  # the rest we queued ourselves
                self._drain()
                return answer
            self._wall += passed
            self._check_budget()

    def _patience(self) -> float:
        """How long to sleep before the clocks must be read again."""
        cpu = self.limits.cpu_seconds - self._clock.cpu
        wall = self.limits.wall_seconds + self._clock.queued - self._wall
        return max(0.002, min(cpu, wall, _LONGEST_WAIT))

    def _check_budget(self) -> None:
        over = overrun(self.limits, self.cpu_seconds, self._wall, self.wall_seconds)
        if over is not None:
            raise self._die("timeout", over)

    def _send(self, rest: memoryview) -> int:
        try:
            return self._data.send(rest)
        except BlockingIOError:
            return 0

    def _receive(self) -> bytes | None:
        """The next whole frame, None while it is incomplete."""
        try:
            return self._frame(self._data.recv(1 << 20))
        except BlockingIOError:
            return None

    def _frame(self, chunk: bytes) -> bytes | None:
        if not chunk:
            raise EOFError("it closed the connection")
        self._inbox += chunk
        return frames.take(self._inbox, _FRAME)

    def _drain(self) -> bool:
        """Take what was printed; False when the jail can print nothing more."""
        limit = self.limits.output_kb << 10
        while True:
            try:
                chunk = os.read(self._output, 1 << 16)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._text += chunk[: limit - len(self._text)]
            if len(self._text) >= limit and self._death is None and not self._closed:
                raise self._die("output", f"it printed over {self.limits.output_kb} KB")

    # --- the end ----------------------------------------------------------------------------------

    def _die(self, reason: Reason, detail: str) -> JailDied:
        self._death = JailDied(reason, detail)
        self._end()
        return self._death

    def _explain(self, error: Exception) -> JailDied:
        """Why the connection broke, from how the process ended."""
        if isinstance(error, WireError):
            return self._die("protocol", str(error))
        self._report.settimeout(_END_SECONDS)
        try:
            status = int(self._next_news()["status"])
        except (TimeoutError, SandboxError):
            return self._die("protocol", "it closed its connection and went on")
        finally:
            self._report.settimeout(_SETUP_SECONDS)
        return self._die(*ending(status, self.limits, self._clock.cpu))

    def _end(self) -> None:
        """Have the zygote kill the process, and wait until it has."""
        if self._status is not None or self._closed:
            return
        _ = self.wall_seconds  # the clock is read while there is one
        try:
            self._report.shutdown(socket.SHUT_WR)
            while self._status is None:
                self._next_news()
        except (OSError, SandboxError):
            self._clock.stop()
            self._status = {}

    def _next_news(self) -> dict[str, Any]:
        """The zygote's next message about this process."""
        while b"\n" not in self._news:
            chunk = self._report.recv(4096)
            if not chunk:
                raise SandboxError("the sandbox server has ended")
            self._news += chunk
        line, self._news = self._news.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "status" in message:
            self._clock.stop(float(message["cpu"]))
            self._status = message
        return message
