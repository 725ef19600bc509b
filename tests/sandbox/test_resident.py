"""A trusted fork that stays: prepared once, every call sees it as it was then."""

from __future__ import annotations

import threading

import pytest

from autograder.sandbox.client import Zygote
from autograder.sandbox.errors import ForkDied

ME = "tests.sandbox.forked"
NAMES = (f"{ME}:prepare", f"{ME}:call")

pytestmark = pytest.mark.jail


@pytest.fixture
def resident(warm: Zygote):
    resident = warm.reside(*NAMES, {"number": 7})
    yield resident
    resident.close()


def test_each_call_sees_what_was_prepared_and_nothing_of_other_calls(resident):
    first, second = resident.call({"n": 1}), resident.call({"n": 2})
    assert [first["doubled"], second["doubled"]] == [2, 4]
    assert first["calls"] == second["calls"] == 1
    assert first["prepared"] == 7
    assert first["pid"] == second["pid"]
    assert len({first["pid"], first["here"], second["here"]}) == 3


def test_calls_may_run_side_by_side_from_threads(resident):
    answers: dict[int, int] = {}

    def ask(n: int) -> None:
        answers[n] = resident.call({"n": n})["doubled"]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {n: 2 * n for n in range(4)}


def test_a_call_that_fails_or_dies_is_told_and_the_next_is_fine(resident):
    with pytest.raises(ForkDied, match="ValueError: told to fail"):
        resident.call({"n": 1, "fail": True})
    with pytest.raises(ForkDied, match="crashed or was killed"):
        resident.call({"n": 1, "die": True})
    assert resident.call({"n": 3})["doubled"] == 6


def test_a_failed_preparation_comes_back_with_its_traceback(warm):
    with pytest.raises(ForkDied, match="told to fail while preparing"):
        warm.reside(*NAMES, {"fail": True})


def test_closing_ends_it(warm, gone):
    resident = warm.reside(*NAMES, {"number": 1})
    pid = resident.call({"n": 1})["pid"]
    resident.close()
    resident.close()
    assert gone(pid)
    with pytest.raises(ForkDied, match="has ended"):
        resident.call({"n": 1})


def test_it_ends_with_its_zygote(own, gone):
    resident = own.reside(*NAMES, {"number": 1})
    pid = resident.call({"n": 1})["pid"]
    own.close()
    assert gone(pid)
    resident.close()
