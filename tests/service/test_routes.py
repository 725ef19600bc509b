"""The route table against the SDK's source: a path that the SDK learns must be decided on."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from shared.tinker.service.app import NOT_SERVED, ROUTES


def sdk_paths() -> set[str]:
    """Every path in the SDK's source, its parameters as {}; tests left out."""
    spec = find_spec("tinker")
    assert spec is not None and spec.submodule_search_locations
    found: set[str] = set()
    for file in Path(spec.submodule_search_locations[0]).rglob("*.py"):
        if not file.name.endswith("_test.py"):
            text = file.read_text(encoding="utf-8")
            found.update(re.findall(r"[\"']/api/v1/([^\"'?]+)[\"'?]", text))
    return {re.sub(r"{[^}]*}", "{}", path) for path in found}


def fits(path: str, route: str) -> bool:
    """Whether a path of the SDK names this route; its checkpoint id is `<kind>/<name>`."""
    spelled = path.replace("checkpoints/{}", "checkpoints/{}/{}")
    return re.sub(r"{[^}]*}", "{}", route) in {f"/api/v1/{path}", f"/api/v1/{spelled}"}


def test_every_path_of_the_sdk_is_served_or_refused_for_a_reason() -> None:
    paths = sdk_paths()
    assert len(paths) > 30, "the SDK spells its paths differently now"
    served = {path for path in paths if any(fits(path, route.path) for route in ROUTES)}
    assert paths - served == set(NOT_SERVED)


def test_every_route_is_one_the_sdk_asks_for() -> None:
    known = {route.path for route in ROUTES if route.path.startswith("/api/v1/")}
    used = {route for route in known if any(fits(path, route) for path in sdk_paths())}
    assert known - used == set()
