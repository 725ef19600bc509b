"""Reading recipes: many threads read at once, as the recipes' test and a course's commands do."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.tinker import recipe_source


def give_way(phase: str, _: object) -> None:
    if phase == "start":
        time.sleep(0)


@pytest.fixture
def switching_at_every_collection() -> Iterator[None]:
    """Another thread may run whenever the collector does: also in the middle of a parse."""
    before = gc.get_threshold()
    gc.set_threshold(200)
    gc.callbacks.append(give_way)
    yield
    gc.callbacks.remove(give_way)
    gc.set_threshold(*before)


@pytest.mark.usefixtures("switching_at_every_collection")
def test_threads_that_parse_at_once_get_whole_trees() -> None:
    # Without a lock CPython 3.11 ends some of these with "SystemError: AST constructor recursion
    # depth mismatch": it counts the depth of every thread's parsing in one place.
    files = sorted(recipe_source.cookbook().glob("recipes/*/*.py"))[:20]
    recipe_source._parse.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(recipe_source._parse, files))
    assert all(tree.body for tree, path in zip(trees, files, strict=True) if path.read_text())
