"""Functions for tests of trusted forks: the zygote imports this file as `tests.sandbox.forked`."""

import os
import sys
import time

from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Snippet


def echo(payload, zygote):
    print("printed by a fork")
    return {"payload": payload, "level": zygote.level, "pid": os.getpid()}


def look(payload, zygote):
    fds = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    return {"environ": dict(os.environ), "stdin": sys.stdin.read(), "fds": fds, "cwd": os.getcwd()}


def fail(payload, zygote):
    raise ValueError("told to fail")


def leave(payload, zygote):
    raise SystemExit(3)


def die(payload, zygote):
    with zygote.spawn(Limits()) as jail:
        with open(payload["note"], "w") as file:
            file.write(f"{os.getpid()} {jail.pid}")
        os.kill(os.getpid(), 9)


def jailed(payload, zygote):
    with zygote.spawn(Limits(cpu_seconds=5)) as jail:
        outcome = jail.execute(Snippet(payload["code"]))
        return {"value": outcome.value if hasattr(outcome, "value") else repr(outcome)}


def hang(payload, zygote):
    with zygote.spawn(Limits(cpu_seconds=30)) as jail:
        with open(payload["note"] + ".part", "w") as file:
            file.write(f"{os.getppid()} {os.getpid()} {jail.pid}")
        os.rename(payload["note"] + ".part", payload["note"])
        jail.execute(Snippet("while True: pass"))
        time.sleep(30)


def prepare(payload, zygote):
    if payload.get("fail"):
        raise ValueError("told to fail while preparing")
    return {"prepared": payload["number"], "calls": 0, "pid": os.getpid()}


def call(payload, zygote, state):
    state["calls"] += 1
    if payload.get("die"):
        os.kill(os.getpid(), 9)
    if payload.get("fail"):
        raise ValueError("told to fail")
    with zygote.spawn(Limits(cpu_seconds=5)) as jail:
        outcome = jail.execute(Snippet("result = 2 * n", {"n": payload["n"]}))
    return {**state, "doubled": outcome.value, "here": os.getpid()}
