"""What transformers would load only because it is installed stays out of the zygote's memory."""

from __future__ import annotations

import sys

import pytest

from autograder.sandbox.client import Zygote
from autograder.sandbox.limits import Limits
from autograder.sandbox.ops import Returned, Snippet
from autograder.sandbox.probe import probe
from shared.unneeded import UNNEEDED, without_unneeded

HEAVY = ("transformers", "sklearn", "scipy")
LOADED = f"import sys\nresult = [name for name in {HEAVY} if name in sys.modules]"
WANTED = "import sklearn.metrics, scipy.linalg\nresult = float(scipy.linalg.det([[2.0]]))"


def test_it_is_hidden_only_within_and_what_is_imported_already_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", sys)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    assert set(UNNEEDED) == {"scipy", "sklearn"}
    with without_unneeded():
        with pytest.raises(ImportError):
            __import__("sklearn")
        assert sys.modules["scipy"] is sys
    assert "sklearn" not in sys.modules
    assert sys.modules["scipy"] is sys


@pytest.mark.jail
def test_the_zygote_does_not_load_it_and_a_jail_can() -> None:
    if probe().level is None:
        pytest.skip("no sandbox here")
    limits = Limits(cpu_seconds=60, wall_seconds=120)
    with (
        Zygote.start(preload=("transformers.generation.utils",)) as zygote,
        zygote.spawn(limits) as jail,
    ):
        assert jail.execute(Snippet(LOADED, {})) == Returned(["transformers"])
        assert jail.execute(Snippet(WANTED, {})) == Returned(2.0)
