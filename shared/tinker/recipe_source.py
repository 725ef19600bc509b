"""What can be known of a cookbook recipe by reading its source, without importing it.

Which settings its command line takes and their defaults, which models and datasets it names, which
packages it needs and whether they are installed. Only what stands in the text is seen: a name that
is put together at run time is not.
"""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path

from shared.tinker.errors import NotFoundError, TinkerKitError

PACKAGE = "tinker_cookbook"
_IMAGES = ("get_image_processor", "ImagePart")
_PARSING = threading.Lock()
_ENTRY_CALLS = ("entrypoint", "nested_entrypoint", "Blueprint")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A module of the cookbook that can be run.

    `settings` maps each setting to its default as written, None where it has none. `texts` are all
    string constants of the recipe and of the recipe modules it imports. `missing` are top-level
    packages that these import and that are not installed. `loads` are the datasets that the
    modules beside it load, `images` whether these handle images. `fixed` are sizes which the
    recipe writes into its own source, where no setting reaches them.
    """

    name: str
    path: Path
    settings: Mapping[str, str | None]
    texts: frozenset[str]
    missing: tuple[str, ...]
    loads: frozenset[str]
    images: bool
    fixed: Mapping[str, int]

    @property
    def module(self) -> str:
        """Its full dotted name, for `python -m`."""
        return f"{PACKAGE}.recipes.{self.name}"

    @property
    def required(self) -> tuple[str, ...]:
        """Settings without a default."""
        return tuple(name for name, default in self.settings.items() if default is None)


@functools.cache
def cookbook() -> Path:
    """The folder of the installed cookbook.

    Raises:
        TinkerKitError: it is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise TinkerKitError(
            "tinker-cookbook is not installed. Install the kit again: `pip install -e .`."
        )
    return Path(spec.origin).parent


def names() -> list[str]:
    """Every recipe: the modules below `recipes` that run when called with `python -m`."""
    root = cookbook() / "recipes"
    found = (path for path in sorted(root.rglob("*.py")) if _runs(_parse(path)))
    return [".".join(path.relative_to(root).with_suffix("").parts) for path in found]


def read(name: str) -> Recipe:
    """The recipe of that name ("sl_loop", "math_rl.train"); a leading package path is allowed.

    Raises:
        NotFoundError: the installed cookbook has none of that name.
    """
    short = name.removeprefix(f"{PACKAGE}.").removeprefix("recipes.").removesuffix(".py")
    path = cookbook().joinpath("recipes", *short.replace("/", ".").split(".")).with_suffix(".py")
    if not path.is_file() or not _runs(_parse(path)):
        from difflib import get_close_matches

        near = get_close_matches(short, names(), n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise NotFoundError(
            f"The installed cookbook has no recipe {name!r}.{hint} "
            "`labkit recipe --list` shows them all."
        )
    files = tuple(_reached(path))
    beside = [file for file in files if file.parent == path.parent]
    own = [file for file in files if "recipes" in file.parts or file.name == "datasets.py"]
    return Recipe(
        name=".".join(path.relative_to(cookbook() / "recipes").with_suffix("").parts),
        path=path,
        settings=_settings(path),
        texts=frozenset(text for file in own for text in _texts(_parse(file))),
        missing=tuple(sorted({m for file in files for m in _third_party(file) if _absent(m)})),
        loads=frozenset(text for file in beside for text in _loads(file)),
        images=any(name in _IMAGES for file in beside for _, name in _imports(file)),
        fixed=_fixed(path),
    )


def extra_of(package: str) -> str | None:
    """The extra of tinker-cookbook that installs `package`; None if no extra does."""
    try:
        wanted = requires("tinker-cookbook") or []
    except PackageNotFoundError:
        return None
    for line in wanted:
        requirement, _, marker = line.partition(";")
        name = requirement.strip().split("[")[0]
        for sign in "<>=!~ ":
            name = name.split(sign)[0]
        if name.replace("-", "_").lower() == package.lower() and "extra ==" in marker:
            extra = marker.split("extra ==")[1].strip(" '\"")
            if extra != "all":
                return extra
    return None


@functools.cache
def _parse(path: Path) -> ast.Module:
    # CPython 3.11 counts the depth of all threads' parsing in one place: two at once can end in
    # "SystemError: AST constructor recursion depth mismatch".
    with _PARSING:
        return ast.parse(path.read_text(encoding="utf-8"))


def _runs(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in tree.body
    )


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _loads(path: Path) -> Iterator[str]:
    """The names given to `load_dataset` as plain text."""
    for call in ast.walk(_parse(path)):
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
            name = called.id if isinstance(called, ast.Name) else called
            if name == "load_dataset" and isinstance(call.args[0].value, str):
                yield call.args[0].value


def _imports(path: Path, *, everywhere: bool = False) -> Iterator[tuple[str, str | None]]:
    """(module, name) of each import, at the top level or everywhere; name None for `import m`."""
    tree = _parse(path)
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def _file(module: str) -> Path | None:
    """The file of a module of the cookbook."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return None
    place = cookbook().joinpath(*parts[1:])
    options = (place.with_suffix(".py"), place / "__init__.py")
    return next((option for option in options if option.is_file()), None)


def _reached(path: Path) -> Iterator[Path]:
    """The file and every file of the cookbook that it imports, directly or not."""
    waiting, seen = [path], {path}
    while waiting:
        current = waiting.pop()
        yield current
        for module, name in _imports(current):
            for option in (_file(module), _file(f"{module}.{name}") if name else None):
                if option is not None and option not in seen:
                    seen.add(option)
                    waiting.append(option)


def _third_party(path: Path) -> set[str]:
    """Packages a file needs. A recipe imports some only where it uses them; it needs those too."""
    found = _imports(path, everywhere="recipes" in path.parts)
    return {module.split(".")[0] for module, _ in found} - {PACKAGE, "__future__"}


@functools.cache
def _absent(package: str) -> bool:
    return find_spec(package) is None


def _settings(path: Path) -> dict[str, str | None]:
    """The fields of the class that the recipe's command line fills."""
    for call in ast.walk(_parse(path)):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in _ENTRY_CALLS
            and call.args
        ):
            found = _class(path, call.args[0])
            if found is not None:
                return _fields(found) | (_applied(path) if call.func.attr == "Blueprint" else {})
    return {}


def _applied(path: Path) -> dict[str, str | None]:
    """The settings that a recipe gives its blueprint: `.apply({"learning_rate": 2e-4, ...})`."""
    return {
        key.value: ast.unparse(value)
        for call in ast.walk(_parse(path))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "apply"
        and call.args
        and isinstance(call.args[0], ast.Dict)
        for key, value in zip(call.args[0].keys, call.args[0].values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _class(path: Path, node: ast.expr | None) -> ast.ClassDef | None:
    """The class a name stands for: defined here, imported, or the type of a function's argument."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        for module, name in _imports(path):
            if name == node.value.id and (file := _file(f"{module}.{name}")) is not None:
                return _class(file, ast.Name(node.attr))
    if not isinstance(node, ast.Name):
        return None
    for found in _parse(path).body:
        if isinstance(found, ast.ClassDef) and found.name == node.id:
            return found
        if isinstance(found, ast.FunctionDef) and found.name == node.id and found.args.args:
            return _class(path, found.args.args[0].annotation)
    for module, name in _imports(path):
        if name == node.id and (file := _file(module)) is not None:
            return _class(file, node)
    return None


def _fields(found: ast.ClassDef) -> dict[str, str | None]:
    return {
        field.target.id: _default(field.value)
        for field in found.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def _default(value: ast.expr | None) -> str | None:
    """A default as written; of `chz.field(default=..., doc=...)` the default."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "chz.field":
        given = (
            word.value for word in value.keywords if word.arg in ("default", "default_factory")
        )
        value = next(given, None)
    return None if value is None else ast.unparse(value)


def _fixed(path: Path) -> dict[str, int]:
    """Sizes given as numbers to what the recipe builds, where its settings hold no such size."""
    settings = _settings(path)
    if "dataset_builder" not in settings:
        return {}
    return {
        word.arg: word.value.value
        for call in ast.walk(_parse(path))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg in ("batch_size", "group_size")
        and word.arg not in settings
        and isinstance(word.value, ast.Constant)
        and isinstance(word.value.value, int)
    }
