"""`labkit serve`: what it prints, what it answers about a running one, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from autograder.cli import app
from shared.tinker.state import read_running

FAKE = (
    sys.executable,
    "-P",
    str(Path(__file__).resolve().parent.parent / "tinker" / "fake_service.py"),
)
# What a shell runs in the background ignores SIGINT, and hands that on: here it must be heard.
SERVE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    f"from shared.tinker import embedded; embedded.COMMAND = {FAKE!r}\n"
    "from autograder.cli import main; main()"
)


def labkit(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


@dataclass(frozen=True)
class Serving:
    """`labkit serve` in a terminal of its own."""

    process: subprocess.Popen[str]
    state: Path
    printed: list[str]

    def ask(self, *words: str) -> Result:
        return labkit("--state", str(self.state), *words)

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Its exit code and what it still says after a signal."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextlib.contextmanager
def serving(state: Path, *words: str, until: str = "Ready") -> Iterator[Serving]:
    command = [sys.executable, "-c", SERVE, "serve", "--state", str(state), *words]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line)
            if until in line:
                break
        else:
            pytest.fail(f"never ready: {printed} {process.stderr.read()}")
        try:
            yield Serving(process, state, printed)
        finally:
            process.kill()  # or a test that failed would wait for it


def test_it_prints_the_two_lines_to_copy_and_when_it_is_ready(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        text = "".join(service.printed)
        running = read_running(tmp_path)
        assert running is not None
        assert f"\n    export TINKER_BASE_URL={running.url}\n" in text
        assert f"\n    export TINKER_API_KEY={running.key}\n" in text
        assert service.printed[-1].endswith("labkit/tiny, and as a stand-in for 1 others.\n")
        code, out, err = service.end(signal.SIGINT)
    assert (code, err) == (0, "") and "Stopping the service" in out


def test_in_json_it_prints_one_object_a_line(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", until='"ready"') as service:
        listening, ready = (json.loads(line) for line in service.printed)
        assert listening["event"] == "listening" and listening["key"].startswith("tml-")
        assert ready["event"] == "ready" and ready["ready"] is True
        assert service.end(signal.SIGINT) == (0, "", "")


def test_status_tells_of_the_running_one_and_keeps_its_key(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        said = service.ask("--status")
        assert said.exit_code == 0
        rows = dict(line.split(maxsplit=1) for line in said.stdout.splitlines())
        assert rows["models"] == "labkit/tiny, and as a stand-in for 1 others"
        assert (rows["memory_mb"], rows["ready"]) == ("12.3", "True")
        facts: dict[str, Any] = json.loads(service.ask("--status", "--json").stdout)
        assert facts["running"] is True and facts["state"] == str(tmp_path)
        running = read_running(tmp_path)
        assert running is not None and running.key not in said.stdout + str(facts)


def test_stop_ends_it_and_its_terminal_with_it(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        said = service.ask("--stop")
        assert (said.exit_code, said.stdout[:8]) == (0, "Stopped ")
        assert service.process.wait(20) != -signal.SIGKILL
    assert labkit("--state", str(tmp_path), "--status").exit_code == 1


def test_a_killed_labkit_leaves_no_service(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.end(signal.SIGKILL)
    with serving(tmp_path):  # the folder and the port are free again
        pass


def test_a_folder_is_served_once(tmp_path: Path) -> None:
    with serving(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", SERVE, "serve", "--state", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 2 and "is in use by another program" in second.stderr


@pytest.mark.parametrize("question", ["--status", "--stop", "--logs"])
def test_where_nothing_runs_the_answer_is_no(question: str, tmp_path: Path) -> None:
    done = labkit("--state", str(tmp_path), question)
    assert done.exit_code == 1 and str(tmp_path) in done.stderr


def test_a_service_that_was_killed_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "service.json").write_text(
        json.dumps({"url": "http://127.0.0.1:1", "key": "tml-x", "pid": os.getpid()})
    )
    assert labkit("--state", str(tmp_path), "--stop").exit_code == 1
    facts = labkit("--state", str(tmp_path), "--status", "--json")
    assert json.loads(facts.stdout)["running"] is False


def test_logs_show_the_end_of_the_log(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(200)]
    (tmp_path / "service.log").write_text("\n".join(lines) + "\n")
    (tmp_path / "stderr.log").write_text("Traceback\n")
    said = labkit("--state", str(tmp_path), "--logs")
    assert said.stdout.splitlines() == [*lines[-50:], "-- stderr.log --", "Traceback"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--status", "--stop"), "one at a time"),
        (("--device", "tpu"), "auto, cpu or cuda"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = labkit("--state", str(tmp_path), *words)
    assert done.exit_code == 2 and message in done.stderr


def test_a_model_that_is_not_there_is_told_in_the_services_words(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, "serve", "--state", str(tmp_path), "--model", "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3 and "no such model: nonsense" in done.stderr
