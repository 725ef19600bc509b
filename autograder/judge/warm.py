"""Imports what judging needs, so that a zygote that preloads this module pays for it once.

Nothing of a lab is read here: student code is forked from the same process.
"""

import importlib

import hypothesis.extra.numpy
import hypothesis.strategies
from _pytest.config import default_plugins

import autograder.judge.runner
import autograder.notebook

for _name in default_plugins:
    importlib.import_module(f"_pytest.{_name}")
for _name in (
    "hypothesis.internal.conjecture.engine",
    "hypothesis.internal.conjecture.shrinker",
    "_pytest.assertion.rewrite",
    "_pytest.python",
):
    importlib.import_module(_name)

__all__ = ["autograder", "hypothesis"]
