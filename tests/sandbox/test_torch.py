"""What student code does with torch works in a jail as it does outside."""

import pytest

from autograder.sandbox.ops import Returned

pytestmark = pytest.mark.jail


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_products_of_every_precision_work_without_proc(inside, dtype):
    # Half precision asks /proc for the processor's features, and a jail has no /proc.
    code = f"import torch\na = torch.full((64, 64), 0.5, dtype=torch.{dtype})\nresult = a @ a"
    outcome = inside(code)
    assert isinstance(outcome, Returned)
    assert (outcome.value == 16).all()


def test_decompositions_and_gradients_work(inside):
    code = (
        "import torch\n"
        "a = torch.eye(3, requires_grad=True)\n"
        "torch.linalg.svd(a * 2).S.sum().backward()\n"
        "result = a.grad"
    )
    outcome = inside(code)
    assert isinstance(outcome, Returned)
    assert outcome.value.trace().item() == pytest.approx(6.0, rel=1e-5)  # float32 SVD


def test_the_sources_of_the_sandbox_are_not_looked_for(inside):
    # torch.manual_seed reads the lines of everybody who called it, hidden files included.
    code = (
        "import linecache, sys\n"
        "frame, result = sys._getframe(), []\n"
        "while frame := frame.f_back:\n"
        "    entry = linecache.cache.get(frame.f_code.co_filename)\n"
        "    if frame.f_code.co_filename == '<string>': continue  # how the sandbox was started\n"
        "    result.append(bool(entry) and (entry[1], entry[2]) == (None, []))\n"
    )
    outcome = inside(code)
    assert isinstance(outcome, Returned)
    assert any(outcome.value) and all(outcome.value)
