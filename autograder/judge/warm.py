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
_CLIENT = (
    "anyio._backends._asyncio",
    "shared.tinker.client",
    "shared.tinker.presets",
    "shared.tinker.tokenizers",
    "shared.tinker.watch",
    "tinker.proto.request_conv",
    "tinker.resources",
    "tinker_cookbook.tokenizer_utils",
)
"""What a client of the Tinker service imports when it sends its first request."""
for _module in (*_MODULES, *_CLIENT):
    importlib.import_module(_module)
