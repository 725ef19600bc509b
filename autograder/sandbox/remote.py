"""The caller's end of one jail: asks, waits within the budget, and trusts nothing that comes back.

Time is read from the jailed process's own CPU clock, so other load on the machine does not count;
wall time is only a backstop for code that sleeps.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

from autograder.errors import EnvironmentRefused
from autograder.sandbox import frames, wire
from autograder.sandbox.errors import JailDied, Reason, SandboxError, WireError
from autograder.sandbox.failure import trim, trim_report
from autograder.sandbox.limits import Limits, Usage
from autograder.sandbox.ops import CellReport, Op, Outcome, Raised, Returned, SourceCell

MEMORY_EXIT = 77
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
        self._inbox = frames.Inbox(_FRAME)
        self._news = b""
        self._status: dict[str, Any] | None = None
        self._death: JailDied | None = None
        self._closed = False
        self._printing = True
        self._wall = self._cpu = self._cpu_at_start = 0.0
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
        if type(answer) is tuple and all(type(o) is bytes for o in cast(tuple[Any, ...], answer)):
            return cast(tuple[bytes, ...], answer)
        raise self._die("protocol", "the answer is no list of outcomes")

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
        # The clock of another process: see clock_getcpuclockid(3), which Python does not offer.
        if self._status is None and not self._closed:
            try:
                now = time.clock_gettime(~self.pid << 3 | 2)
                self._cpu = max(self._cpu, now - self._cpu_at_start)
            except OSError:  # it is gone; the zygote will tell how much it used
                pass
        return self._cpu

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
            cpu_seconds=self._cpu,
            wall_seconds=self._wall,
            peak_mb=(self._status or {}).get("peak_kb", 0) / 1024,
            output_bytes=len(self._text),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _get_ready(self) -> None:
        """Wait until the jail says that it is one; no student code runs before."""
        poll = select.poll()
        poll.register(self._data, select.POLLIN)
        answer, end = None, time.monotonic() + _SETUP_SECONDS
        while answer is None and time.monotonic() < end:
            poll.poll(1000)
            try:
                answer = self._receive()
            except (ConnectionError, EOFError, WireError) as error:
                answer = str(error).encode()
        if answer != b"ready":
            said = (answer or b"no answer").decode(errors="replace")
            raise EnvironmentRefused(
                f"The jail at level {self.level} could not be built: {said}. See `labkit doctor`."
            )
        self._cpu_at_start, self._cpu = self.cpu_seconds, 0.0

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
            poll.poll(max(1, int(1000 * self._patience())))
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
            self._wall, last = self._wall + now - last, now
            if answer is not None:
                self._drain()
                return answer
            self._check_budget()

    def _patience(self) -> float:
        """How long to sleep before the clocks must be read again."""
        cpu = self.limits.cpu_seconds - self._cpu
        wall = self.limits.wall_seconds - self._wall
        return max(0.002, min(cpu, wall, _LONGEST_WAIT))

    def _check_budget(self) -> None:
        if self.cpu_seconds >= self.limits.cpu_seconds:
            raise self._die("timeout", f"over {self.limits.cpu_seconds:g} s of CPU time")
        if self._wall >= self.limits.wall_seconds:
            raise self._die("timeout", f"no answer within {self.limits.wall_seconds:g} s")

    def _send(self, rest: memoryview) -> int:
        try:
            return self._data.send(rest)
        except BlockingIOError:
            return 0

    def _receive(self) -> bytes | None:
        """The next whole frame, None while it is incomplete."""
        try:
            chunk = self._data.recv(1 << 20)
        except BlockingIOError:
            return None
        if not chunk:
            raise EOFError("it closed the connection")
        return self._inbox.take(chunk)

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
        code, spent = os.waitstatus_to_exitcode(status), self._cpu >= self.limits.cpu_seconds
        if code == MEMORY_EXIT:
            return self._die("memory", f"it needs over {self.limits.memory_mb} MB")
        if code == -signal.SIGXCPU or (code == -signal.SIGKILL and spent):
            return self._die("timeout", f"over {self.limits.cpu_seconds:g} s of CPU time")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return self._die("killed", f"the process ended with {how}")

    def _end(self) -> None:
        """Have the zygote kill the process, and wait until it has."""
        if self._status is not None or self._closed:
            return
        try:
            self._report.shutdown(socket.SHUT_WR)
            while self._status is None:
                self._next_news()
        except (OSError, SandboxError):
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
            self._cpu = max(0.0, float(message["cpu"]) - self._cpu_at_start)
            self._status = message
        return message
