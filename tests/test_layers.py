"""The direction of all imports: a module imports only what stands before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom up. A name stands for the module and for everything below it.
LAYERS = (
    ("reviewer", "reviewer.errors", "reviewer.model", "reviewer.budget"),
    ("reviewer.diff", "reviewer.c", "reviewer.mail"),
    ("reviewer.kernel", "reviewer.rule", "reviewer.review"),
    ("reviewer.kernel.build", "reviewer.declared"),
    ("reviewer.declarative",),
    ("reviewer.library", "reviewer.config", "reviewer.config_keys", "reviewer.trust"),
    ("reviewer.sources",),
    ("reviewer.baseline", "reviewer.differential", "reviewer.discussion"),
    ("reviewer.engine",),
    ("reviewer.report", "reviewer.fixture", "reviewer.testing"),
    ("reviewer.public", "reviewer.scaffold", "reviewer.docs"),
    ("reviewer.mail.fetch", "reviewer.commits", "reviewer.targets"),
    ("reviewer.run",),
    ("reviewer.sending",),
    ("reviewer.commands",),
    ("reviewer.hook",),
    ("reviewer.cli", "reviewer.__main__", "reviewer.commands.share"),
)

# Heavy or dangerous libraries, each behind one module (or behind the ones that say why).
ONLY = {
    "unidiff": {"reviewer.diff.patch"},
    "b4": {"reviewer.mail.fetch"},
    "liblore": {"reviewer.mail.fetch"},
    "socket": set(),
    "requests": set(),
    "urllib.request": set(),
    "pygit2": {"reviewer.diff.blobs"},
}


def modules() -> dict[str, Path]:
    paths = sorted((ROOT / "reviewer").rglob("*.py"))
    return {_name(path): path for path in paths}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, typing: bool = False) -> set[str]:
    """Every module that the file imports, also inside functions, but not for types alone."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types and not typing:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def layer(name: str) -> int:
    """The layer whose name is the longest prefix of the module's."""
    fits = [
        (len(entry), level)
        for level, layer in enumerate(LAYERS)
        for entry in layer
        if name == entry or (name.startswith(entry + ".") and entry != "reviewer")
    ]
    assert fits, f"{name} is in no layer: add it to LAYERS"
    return max(fits)[1]


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_only_what_stands_below_it(name: str) -> None:
    known = modules()
    for imported in imports(known[name]) & set(known):
        assert layer(imported) <= layer(name), f"{name} imports {imported}"


def test_no_two_modules_import_each_other() -> None:
    known = modules()
    graph = {name: (imports(path) & set(known)) - {name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"circle: {' -> '.join((*above, name))}"
        if name not in done:
            for imported in sorted(graph[name]):
                visit(imported, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("library", sorted(ONLY))
def test_each_outside_library_is_behind_one_module(library: str) -> None:
    users = {name for name, path in modules().items() if library in imports(path, typing=True)}
    assert users <= ONLY[library]


def test_rules_read_only_the_rule_api_and_the_c_model() -> None:
    allowed = ("reviewer.model", "reviewer.rule", "reviewer.c")
    for path in sorted((ROOT / "rules").rglob("*.py")):
        for imported in imports(path, typing=True):
            assert not imported.startswith("reviewer") or imported.startswith(allowed), path
