"""A jail ends when its budget is spent or it lies, and says which; the budget is CPU time."""

import os
import time

import pytest

from autograder.sandbox.errors import JailDied
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Call, Returned, Snippet, SourceCell

pytestmark = pytest.mark.jail


@pytest.fixture
def tight(zygote):
    made = []

    def spawn(**limits):
        budget = {"cpu_seconds": 5, "wall_seconds": 20, "memory_mb": 256, "output_kb": 8, **limits}
        made.append(zygote.spawn(Limits(**budget)))
        return made[-1]

    yield spawn
    for jail in made:
        jail.close()


def death(jail, code):
    with pytest.raises(JailDied) as caught:
        jail.execute(Snippet(code))
    with pytest.raises(JailDied) as again:
        jail.execute(Snippet("result = 1"))
    assert again.value.reason == caught.value.reason
    assert not os.path.exists(f"/proc/{jail.pid}")
    return caught.value.reason


def test_an_endless_loop_is_a_timeout_measured_in_cpu_time(tight):
    jail = tight(cpu_seconds=0.3)
    assert death(jail, "while True: pass") == "timeout"
    assert 0.3 <= jail.close().cpu_seconds < 1.0


def test_an_endless_loop_in_a_cell_is_a_timeout_too(tight):
    with pytest.raises(JailDied, match="timeout"):
        tight(cpu_seconds=0.2).load([SourceCell("a", "solution", "while True: pass")])


def test_sleeping_costs_no_cpu_time_until_the_wall_backstop(tight):
    jail = tight(cpu_seconds=0.2, wall_seconds=30)
    assert jail.execute(Snippet("import time; time.sleep(0.4); result = 1")) == Returned(1)
    assert jail.cpu_seconds < 0.2
    assert death(tight(wall_seconds=0.3), "import time; time.sleep(60)") == "timeout"


def test_the_budget_is_for_all_operations_together(tight):
    jail = tight(cpu_seconds=0.3)
    burn = "import time\nend = time.process_time() + .12\nwhile time.process_time() < end: pass"
    jail.execute(Snippet(burn))
    jail.execute(Snippet(burn))
    assert death(jail, burn) == "timeout"


def test_time_between_operations_is_not_charged(tight):
    jail = tight(wall_seconds=0.3)
    time.sleep(0.4)
    assert jail.execute(Snippet("result = 1")) == Returned(1)


@pytest.mark.parametrize(
    "code",
    [
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import threading\nfor _ in range(4): threading.Thread(target=exec, args=('while 1: pass',"
        " )).start()\nwhile True: pass",
        "(10 ** 9) ** (10 ** 9)",
    ],
)
def test_no_trick_outlives_the_budget(tight, code):
    assert death(tight(cpu_seconds=0.3), code) == "timeout"


def test_the_kernel_ends_what_its_caller_forgot(zygote):
    """The second line: RLIMIT_CPU, two seconds after the budget."""
    with zygote.spawn(Limits(cpu_seconds=0.1)) as jail:
        outcome = jail.execute(Snippet("import resource as r; result = r.getrlimit(r.RLIMIT_CPU)"))
        assert outcome == Returned((3, 4))


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(10 ** 9)",
        "x = []\nwhile True: x.append(bytearray(10 ** 6))",
        "import torch; x = torch.zeros(10 ** 9)",
        "import numpy; x = numpy.zeros(10 ** 12)",
        "x = 'a' * (1 << 29)",
    ],
)
def test_a_memory_bomb_ends_as_memory(tight, code):
    assert death(tight(memory_mb=100), code) == "memory"


def test_memory_within_the_budget_is_given(tight):
    code = "import numpy as np; result = float(np.ones(60 << 17).sum())"
    assert tight(memory_mb=100).execute(Snippet(code)) == Returned(float(60 << 17))


def test_printed_text_is_kept_up_to_the_limit_and_a_flood_ends_it(tight):
    jail = tight(output_kb=8)
    jail.execute(Snippet("import sys; print('hello'); print('error', file=sys.stderr)"))
    assert jail.stdout == "hello\nerror\n"
    assert death(jail, "while True: print('x' * 100)") == "output"
    assert len(jail.stdout) <= 8 << 10 and jail.stdout.startswith("hello\nerror\nxxx")


def test_a_flood_past_python_counts_too(tight):
    assert death(tight(), "import os\nwhile True: os.write(2, b'x' * 100)") == "output"


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os; os.abort()",
    ],
)
def test_a_process_that_ends_itself_was_killed(tight, code):
    assert death(tight(), code) == "killed"


_TAKE = "import os, time\nframe = lambda b: len(b).to_bytes(4, 'little') + b\n"


@pytest.mark.parametrize(
    "code",
    [
        "os.write(3, b'junk' * 10)",
        "os.write(3, frame(b'x' * 8 + b'\\x01\\0\\0\\0\\xc0')); time.sleep(9)",
        "os.write(3, frame(b''))",
        "os.write(3, b'\\xff' * 4)",
        "os.close(3); time.sleep(9)",
        "import socket; socket.socket(fileno=3).shutdown(2); time.sleep(9)",
        "os.dup2(1, 3); time.sleep(9)",
    ],
)
def test_forged_bytes_on_the_channel_end_the_jail(tight, code):
    assert death(tight(wall_seconds=3), _TAKE + code) in ("protocol", "timeout")


def test_an_answer_forged_ahead_of_its_question_is_noticed(tight):
    jail = tight()
    code = (
        "import os, threading, time\nfrom autograder.sandbox import frames, ops, wire\n"
        "fake = frames.pack(b'12345678' + wire.encode(ops.Returned('mine')))\n"
        "threading.Timer(0.05, os.write, (3, fake)).start()\nresult = 1"
    )
    assert jail.execute(Snippet(code)) == Returned(1)
    time.sleep(0.2)
    with pytest.raises(JailDied, match="protocol"):
        jail.execute(Snippet("result = 2"))


@pytest.mark.parametrize(
    "forged", ["None", "(1, 2)", "ops.Handle(1)", "ops.Call('f')", "[ops.Returned(1)]"]
)
def test_an_answer_of_the_wrong_kind_is_noticed(tight, forged):
    code = (
        "import sys\nfrom autograder.sandbox import ops, wire\n"
        "from autograder.sandbox.interpreter import Interpreter\n"
        f"Interpreter.execute_encoded = lambda self, op: wire.encode({forged})\nresult = 1"
    )
    jail = tight()
    jail.execute(Snippet(code))
    assert death(jail, "result = 1") == "protocol"


def test_a_jail_that_does_not_listen_cannot_hang_its_caller(tight):
    jail = tight(wall_seconds=0.5)
    big = b"x" * (7 << 20)
    stuck = "import threading, time\nframe = __import__('sys')._getframe\n"
    jail.execute(
        Snippet(
            stuck + "from autograder.sandbox import frames\n"
            "frames.receive = lambda *a: time.sleep(60)\nresult = 1"
        )
    )
    with pytest.raises(JailDied, match="timeout"):
        jail.execute(Snippet("result = 1", {"big": big}))


def test_vandalism_in_one_jail_does_not_reach_the_next(zygote):
    with zygote.spawn(Limits()) as jail:
        jail.execute(Snippet("import torch, builtins\ntorch.allclose = None\nbuiltins.abs = None"))
    with zygote.spawn(Limits()) as jail:
        assert jail.execute(Snippet("import torch; result = abs(-1)")) == Returned(1)


def test_cells_load_and_answer_as_they_do_locally(tight):
    jail = tight()
    cells = [
        SourceCell("setup", "setup", "%matplotlib inline\nimport torch"),
        SourceCell("bad", "solution", "1 / 0"),
        SourceCell("good", "solution", "def double(x): return 2 * x"),
    ]
    reports = jail.load(cells)
    assert [report.id for report in reports] == ["setup", "bad", "good"]
    assert reports[0].notes and reports[1].error.lines == ("cell bad, line 1: 1 / 0",)
    assert jail.execute(Call("double", (21,))) == Returned(42)


def test_closing_tells_what_was_used_and_may_happen_twice(tight):
    jail = tight()
    jail.execute(Snippet("print('four')\nsum(range(10 ** 6))"))
    usage = jail.close()
    assert usage == jail.close()
    assert 0 < usage.cpu_seconds < 1 and usage.output_bytes == 5 and usage.peak_mb > 10
    assert not os.path.exists(f"/proc/{jail.pid}")


def test_a_forged_description_is_cut_and_cleaned(tight):
    jail = tight()
    code = (
        "from autograder.sandbox import ops, wire\n"
        "from autograder.sandbox.interpreter import Interpreter\n"
        "fake = ops.Raised(('E\\x1b',) * 999, 'm\\ud800' * 9999, ('l\\x07' * 999,) * 999)\n"
        "Interpreter.execute_encoded = lambda self, op: wire.encode(fake)\nresult = 1"
    )
    jail.execute(Snippet(code))
    got = jail.execute(Snippet("result = 1"))
    text = "".join([*got.mro, got.message, *got.lines])
    assert len(text) < 5000 and text.replace("\ufffd", "").isprintable()


@pytest.mark.parametrize("forged", ["None", "()", "(ops.CellReport('other'),)", "[1]"])
def test_reports_must_be_those_of_the_cells(tight, forged):
    jail = tight()
    code = (
        "from autograder.sandbox import ops\n"
        "from autograder.sandbox.interpreter import Interpreter\n"
        f"Interpreter.load = lambda self, cells: {forged}\nresult = 1"
    )
    jail.execute(Snippet(code))
    with pytest.raises(JailDied, match="protocol"):
        jail.load([SourceCell("a", "solution", "x = 1")])


def test_code_that_closes_its_own_streams_is_still_answered(tight):
    jail = tight()
    code = "import os, time\nprint('before')\nos.close(1); os.close(2)\ntime.sleep(0.5)\nresult = 1"
    assert jail.execute(Snippet(code)) == Returned(1)
    assert jail.execute(Snippet("result = 2")) == Returned(2) and jail.stdout == "before\n"


def test_printing_from_a_thread_between_operations_counts_as_output(tight):
    jail = tight(output_kb=8)
    code = "import threading\nthreading.Thread(target=exec, args=('while 1: print(9)',)).start()"
    with pytest.raises(JailDied, match="output"):
        jail.execute(Snippet(code + "\nresult = 1"))
        time.sleep(0.2)
        jail.execute(Snippet("result = 1"))
