"""On a machine that does other things, code has its CPU time; and what does not start says why."""

import os
import subprocess
import sys

import pytest

from autograder.errors import EnvironmentRefused
from autograder.sandbox import client
from autograder.sandbox.client import Zygote
from autograder.sandbox.errors import JailDied
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Snippet

pytestmark = pytest.mark.jail
RIVALS = 7


@pytest.fixture
def crowded():
    """Put a process on one processor together with others that want all of it."""
    where = {min(os.sched_getaffinity(0))}
    rivals, own = [], os.getpid()

    def crowd(pid):
        os.sched_setaffinity(pid, where)
        for _ in range(RIVALS):
            command = [sys.executable, "-S", "-c", f"import os\nwhile os.getppid() == {own}: pass"]
            rivals.append(subprocess.Popen(command, start_new_session=True))
            os.sched_setaffinity(rivals[-1].pid, where)

    yield crowd
    for rival in rivals:
        rival.kill()
        rival.wait()


def test_who_queues_for_a_processor_is_judged_by_its_cpu_time(zygote, crowded):
    with zygote.spawn(Limits(cpu_seconds=0.5, wall_seconds=1.5)) as jail:
        crowded(jail.pid)
        with pytest.raises(JailDied) as caught:
            jail.execute(Snippet("while True: pass"))
        assert (caught.value.reason, caught.value.detail) == ("timeout", "over 0.5 s of CPU time")
        used = jail.close()
    assert used.cpu_seconds >= 0.5 and used.wall_seconds < 1.5


def test_who_sleeps_on_a_crowded_machine_is_told_of_the_wall_limit(zygote, crowded):
    with zygote.spawn(Limits(cpu_seconds=5, wall_seconds=0.5)) as jail:
        crowded(jail.pid)
        with pytest.raises(JailDied, match=r"no answer within 0\.5 s"):
            jail.execute(Snippet("import time; time.sleep(60)"))


def test_a_server_that_ends_while_it_starts_says_where_and_how():
    with pytest.raises(EnvironmentRefused, match=r"while importing \S+\.ends, with exit code 7"):
        Zygote.start(preload=("json", "tests.sandbox.broken.ends"))


def test_a_server_that_does_not_get_ready_says_what_it_is_at(monkeypatch):
    monkeypatch.setattr(client, "_START_SECONDS", 5)
    with pytest.raises(EnvironmentRefused, match=r"still importing \S+\.waits after 5 s.*busy"):
        Zygote.start(preload=("tests.sandbox.broken.waits",))
