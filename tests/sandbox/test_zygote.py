"""Forks start clean, answer, and end with whoever asked for them, however that one ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder.errors import EnvironmentRefused
from autograder.sandbox import probe, zygote
from autograder.sandbox.client import Zygote
from autograder.sandbox.errors import ForkDied, JailDied, SandboxError
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Returned, Snippet

pytestmark = pytest.mark.jail
ME = "tests.sandbox.forked"
REPO = Path(__file__).resolve().parents[2]


def test_a_trusted_fork_gets_the_payload_and_answers(warm, gone):
    answer = warm.fork_call(f"{ME}:echo", {"a": [1, "ü"]})
    assert answer["payload"] == {"a": [1, "ü"]} and answer["level"] == warm.level
    assert answer["pid"] != os.getpid() and gone(answer["pid"])


def test_forks_may_run_side_by_side_from_threads(warm):
    answers = [None] * 8

    def ask(number):
        answers[number] = warm.fork_call(f"{ME}:echo", {"n": number})

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["payload"]["n"] for answer in answers] == list(range(8))
    assert len({answer["pid"] for answer in answers}) == 8


def test_a_fork_knows_no_secret_of_its_caller(monkeypatch):
    monkeypatch.setenv("TINKER_API_KEY", "tml-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    with Zygote.start(preload=()) as zygote:
        seen = zygote.fork_call(f"{ME}:look", {})
    assert "secret" not in str(seen["environ"]) and "TINKER_API_KEY" not in seen["environ"]
    assert seen["stdin"] == "" and len(seen["fds"]) <= 6
    assert seen["cwd"] == seen["environ"]["HOME"] != os.getcwd()


def test_a_jail_knows_nothing_of_the_judge_that_asked_for_it(warm):
    code = (
        "import gc\n"
        "held = [v for d in gc.get_objects() if isinstance(d, dict) for v in list(d.values())]\n"
        "result = any(isinstance(v, str) and v[:7] == 'rosebud' and len(v) == 27 for v in held)"
    )
    payload = {"code": code, "hidden": "rosebud" + 20 * "!"}
    assert warm.fork_call(f"{ME}:jailed", payload) == {"value": False}


def test_an_exception_in_a_fork_comes_back_with_its_traceback(warm):
    with pytest.raises(ForkDied, match="ValueError: told to fail"):
        warm.fork_call(f"{ME}:fail", {})
    with pytest.raises(ForkDied, match="SystemExit: 3"):
        warm.fork_call(f"{ME}:leave", {})
    with pytest.raises(ForkDied, match="No module named"):
        warm.fork_call("no.such.module:f", {})


def test_a_killed_fork_is_told_and_its_jails_end_with_it(warm, tmp_path, gone):
    with pytest.raises(ForkDied, match="signal 9"):
        warm.fork_call(f"{ME}:die", {"note": str(tmp_path / "pids")})
    fork, jail = map(int, (tmp_path / "pids").read_text().split())
    assert gone(fork) and gone(jail)
    assert warm.fork_call(f"{ME}:echo", {})["payload"] == {}


def wait_for(path):
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    return [int(word) for word in path.read_text().split()]


def test_nothing_survives_a_killed_client(tmp_path, gone):
    note = tmp_path / "pids"
    script = (
        "from autograder.sandbox.client import Zygote\n"
        f"Zygote.start(preload=()).fork_call('{ME}:hang', {{'note': {str(note)!r}}})"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    client = subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPO, env={**os.environ, "TMPDIR": str(scratch)}
    )
    pids = wait_for(note)
    client.send_signal(signal.SIGKILL)
    client.wait()
    assert all(gone(pid) for pid in pids), "the zygote, the fork and the jail must all end"
    end = time.monotonic() + 5
    while os.listdir(scratch) and time.monotonic() < end:
        time.sleep(0.05)
    assert os.listdir(scratch) == []


def test_forks_and_jails_end_with_a_killed_zygote(own, tmp_path, gone):
    jail = own.spawn(Limits())
    note = tmp_path / "pids"
    failed = []

    def call():
        try:
            own.fork_call(f"{ME}:hang", {"note": str(note)})
        except ForkDied as error:
            failed.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    pids = wait_for(note)
    os.kill(pids[0], signal.SIGKILL)
    thread.join(10)
    assert failed and all(gone(pid) for pid in [*pids[1:], jail.pid])
    with pytest.raises(JailDied, match=r"killed|protocol"):
        jail.execute(Snippet("result = 1"))
    jail.close()
    with pytest.raises(SandboxError, match="has ended"):
        own.spawn(Limits())
    own.close()
    note.unlink()
    assert os.listdir(tmp_path) == []


def test_closing_leaves_no_process_and_no_folder(own, tmp_path, gone):
    jails = [own.spawn(Limits()) for _ in range(3)]
    jails[0].execute(Snippet("result = 1"))
    assert len(os.listdir(tmp_path)) == 1  # the zygote's home; the jails have left nothing
    own.close()
    own.close()
    assert all(gone(jail.pid) for jail in jails) and os.listdir(tmp_path) == []
    for jail in jails:
        jail.close()


def test_a_zygote_started_by_a_thread_outlives_it():
    made = []
    thread = threading.Thread(target=lambda: made.append(Zygote.start(preload=())))
    thread.start()
    thread.join()
    time.sleep(0.1)
    with made[0] as zygote, zygote.spawn(Limits()) as jail:
        assert jail.execute(Snippet("result = 1")) == Returned(1)


def test_a_missing_package_is_refused_by_name():
    with pytest.raises(EnvironmentRefused, match="no_such_package"):
        Zygote.start(preload=("no_such_package",))


def test_without_a_primitive_the_zygote_refuses_and_names_it(monkeypatch):
    parts = {"seccomp": "ok", "landlock": "missing: not built in", "namespaces": "ok"}
    monkeypatch.setattr(probe, "probe_here", lambda: probe._conclude(parts))
    level, refusal = zygote._choose(None, False)
    assert level is None and "landlock is missing: not built in" in refusal
    assert "Linux 5.13" in refusal and "seccomp is" not in refusal
    assert zygote._choose(None, True) == ("trusted", None)


def test_without_namespaces_level_b_is_taken_and_level_a_refused(monkeypatch):
    parts = {"seccomp": "ok", "landlock": "ok (version 3)", "namespaces": "missing: EPERM"}
    monkeypatch.setattr(probe, "probe_here", lambda: probe._conclude(parts))
    assert zygote._choose(None, False) == ("B", None)
    assert zygote._choose("B", False) == ("B", None)
    level, refusal = zygote._choose("A", False)
    assert level is None and "level A" in refusal and "namespaces is missing: EPERM" in refusal
