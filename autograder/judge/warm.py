"""Imports what judging needs, so that a zygote that preloads this module pays for it once.

Nothing of a lab is read here: student code is forked from the same process.
"""

import importlib

from _pytest.config import default_plugins

_MODULES = (
    *(f"_pytest.{name}" for name in default_plugins),
    "_pytest.assertion.rewrite",
    "autograder.judge.runner",
    "autograder.notebook",
    "hypothesis.extra.numpy",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.internal.conjecture.shrinker",
    "hypothesis.strategies",
    "IPython.core.inputtransformer2",
)
for _module in _MODULES:
    importlib.import_module(_module)
