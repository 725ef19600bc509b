"""The child process: started, ended with its parent however that ends, and its state kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from shared.tinker import embedded
from shared.tinker.embedded import EmbeddedService, how_it_ended
from shared.tinker.errors import UnreachableError, UserError
from shared.tinker.reach import probe

from .conftest import FAKE

pytestmark = pytest.mark.usefixtures("fake")


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process ends within the time; a zombie of ours counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_it_listens_on_loopback_and_knows_its_key() -> None:
    with EmbeddedService.start() as service:
        assert service.url.startswith("http://127.0.0.1:")
        assert service.key.startswith("tml-")
        assert service.alive and service.ended() is None
        assert service.status()["ready"] is True
        assert service.wait_ready() is service
        probe(service.address)
    assert gone(service.pid)


def test_a_temporary_state_goes_and_a_named_one_stays(tmp_path: Path) -> None:
    with EmbeddedService.start() as passing:
        assert passing.state.is_dir()
    assert not passing.state.exists()
    with EmbeddedService.start(tmp_path / "kept") as kept:
        assert kept.state == tmp_path / "kept"
    assert (tmp_path / "kept").is_dir()


def test_stopping_twice_is_fine() -> None:
    service = EmbeddedService.start()
    service.stop()
    service.stop()
    assert service.ended() == "exit code 0"


def test_a_state_folder_is_used_once(tmp_path: Path) -> None:
    first = EmbeddedService.start(tmp_path)
    with pytest.raises(UserError, match=f"in use.*{first.url}"):
        EmbeddedService.start(tmp_path)
    first.stop()
    EmbeddedService.start(tmp_path).stop()


def test_what_stops_it_from_starting_is_told_in_its_own_words() -> None:
    with pytest.raises(UnreachableError, match=r"exit code 2.*\n.*no such model: nonsense"):
        EmbeddedService.start(models=["nonsense"])


def test_a_process_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "COMMAND", (sys.executable, "-c", "input()"))
    monkeypatch.setattr(embedded, "START_SECONDS", 0.2)
    with pytest.raises(UnreachableError, match="did not listen in time"):
        EmbeddedService.start()


def test_it_is_given_no_key_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "tml-secret")
    monkeypatch.setenv("TINKER_BASE_URL", "http://127.0.0.1:1")
    with EmbeddedService.start() as service:
        given = Path(f"/proc/{service.pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0] for entry in given}
    assert not names & {b"TINKER_API_KEY", b"TINKER_BASE_URL"}
    assert b"OMP_NUM_THREADS=1" in given


def test_ctrl_c_in_the_callers_terminal_does_not_reach_it() -> None:
    with EmbeddedService.start() as service:
        assert os.getsid(service.pid) != os.getsid(0)


def test_a_dead_service_leaves_a_notice_at_its_address() -> None:
    with EmbeddedService.start() as service:
        os.kill(service.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{service.url}/api/v1/healthz")
            except urllib.error.HTTPError as error:
                with error:
                    said = json.load(error)
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail("no notice")
    assert "has ended: killed by SIGKILL" in said["error"]
    with pytest.raises(OSError):
        urllib.request.urlopen(service.url)  # stop() takes the notice down


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    code = f"""
        import time
        from pathlib import Path
        from shared.tinker import embedded
        embedded.COMMAND = {FAKE!r}
        service = embedded.EmbeddedService.start(Path({str(tmp_path)!r}))
        print(service.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait()
    assert gone(pid)
    EmbeddedService.start(tmp_path, wait_seconds=5).stop()  # its folder is free again


def test_it_ends_with_a_parent_that_just_ends(tmp_path: Path) -> None:
    code = f"""
        from shared.tinker import embedded
        embedded.COMMAND = {FAKE!r}
        service = embedded.EmbeddedService.start()
        print(service.pid, service.state)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    pid, state = done.stdout.split()
    assert gone(int(pid)) and not Path(state).exists() and done.stderr == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-15, "killed by SIGTERM"),
        (-200, "killed by signal"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code: int, words: str) -> None:
    assert how_it_ended(code).startswith(words)
