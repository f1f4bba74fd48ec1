"""Which modules a handler needs: its imports, followed through the source text.

Nothing is imported to find out. Followed is every import that may run: those inside functions too, those under
``if TYPE_CHECKING`` not. A module whose name stands as a string constant counts as imported (``import_module("…")``),
and one that imports by a computed name keeps its whole package. Left out is what an import inside a function or a
``try`` could not load anyway, since it needs an optional package that is not there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """What a module needs: the files under all roots, and the imports that neither a root nor the runtime answers.

    ``files`` maps a path relative to its root → the file, in the order of the paths. ``unanswered`` holds (file, name
    of the imported module) for the files of the first root.
    """

    files: dict[Path, Path]
    unanswered: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """One import: a dotted absolute name, and what is taken from it, each a module or an attribute."""

    module: str
    members: tuple[str, ...] = ()
    # Whether the module that imports can be loaded without it.
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Imports:
    """What a file imports; by a computed name, too, if `computed`."""

    imports: tuple[_Import, ...]
    computed: bool


def closure_of(module: str, roots: Sequence[Path], *, provided: Collection[str]) -> Closure:
    """Follow the imports of a dotted module through the roots, the first of which answers first.

    ``provided`` are the top-level packages that the runtime brings along beside the standard library.
    """
    found: dict[str, tuple[Path, Path]] = {}
    unanswered: set[tuple[Path, str]] = set()
    waiting = list(_prefixes(module))
    while waiting:
        name = waiting.pop()
        place = _locate(name, roots)
        if name in found or place is None:
            continue
        root, path = found[name] = place
        if path.is_dir():
            continue
        imported = _imports_of(path, name if path.name == "__init__.py" else name.rpartition(".")[0])
        for one in imported.imports:
            answered = _answered(one.module, roots, provided)
            if root == roots[0] and not one.optional and not answered:
                unanswered.add((path.relative_to(root), one.module))
            needed = root == roots[0] or not one.optional
            for wanted in (one.module, *one.members):
                if needed or _loads(wanted, roots, provided):
                    waiting += _prefixes(wanted)
        if imported.computed:
            waiting += _modules_below(path.parent, root)
    files = {path.relative_to(root): path for root, path in found.values() if path.is_file()}
    return Closure(files=dict(sorted(files.items())), unanswered=tuple(sorted(unanswered)))


def _prefixes(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _locate(dotted: str, roots: Iterable[Path]) -> tuple[Path, Path] | None:
    """Find the root and the file of a module, or its folder for a package without ``__init__.py``."""
    for root in roots:
        base = root.joinpath(*dotted.split("."))
        for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
            if candidate.is_file():
                return root, candidate
        if base.is_dir():
            return root, base
    return None


def _answered(dotted: str, roots: Iterable[Path], provided: Collection[str]) -> bool:
    top = dotted.partition(".")[0]
    return top in sys.stdlib_module_names or top in provided or _locate(top, roots) is not None


def _loads(dotted: str, roots: Sequence[Path], provided: Collection[str]) -> bool:
    """Whether a module and its packages find what they import unconditionally, as far as their own text tells."""
    for name in _prefixes(dotted):
        place = _locate(name, roots)
        if place is None or place[1].is_dir():
            continue
        path = place[1]
        imported = _imports_of(path, name if path.name == "__init__.py" else name.rpartition(".")[0])
        if not all(one.optional or _answered(one.module, roots, provided) for one in imported.imports):
            return False
    return True


def _modules_below(folder: Path, root: Path) -> list[str]:
    modules = []
    for path in folder.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        modules.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return modules


@cache
def _imports_of(path: Path, package: str) -> _Imports:
    imports: list[_Import] = []
    computed = False
    for node, optional in _running_nodes(ast.parse(path.read_bytes(), filename=str(path)), optional=False):
        match node:
            case ast.Import():
                imports += [_Import(module=alias.name, optional=optional) for alias in node.names]
            case ast.ImportFrom():
                base = _absolute(node, package)
                members = tuple(f"{base}.{alias.name}" for alias in node.names)
                imports.append(_Import(module=base, members=members, optional=optional))
            case ast.Constant(value=str(text)) if _is_dotted(text):
                imports.append(_Import(module=text, optional=True))
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[name, *_]):
                computed = computed or not isinstance(name, ast.Constant)
    return _Imports(imports=tuple(imports), computed=computed)


def _is_dotted(text: str) -> bool:
    return "." in text and all(part.isidentifier() for part in text.split("."))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, node.module] if node.module else parts)


def _running_nodes(node: ast.AST, *, optional: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below that may run, and whether loading the module can do without it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for branch in child.orelse:
                yield branch, optional
                yield from _running_nodes(branch, optional=optional)
        else:
            yield child, optional
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Try)
            yield from _running_nodes(child, optional=optional or deferred)


def _is_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False
