"""Which modules an import leads to, told by a few small source trees."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.module_closure import Closure, closure_of

Tree = Callable[[str, dict[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes a source tree: path → text."""

    def written(name: str, files: dict[str, str]) -> Path:
        for path, text in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return tmp_path / name

    return written


def names(closure: Closure) -> list[str]:
    """The files of a closure, as text, in their order."""
    return [str(path) for path in closure.files]


def test_imports_are_followed_with_their_packages(tree: Tree) -> None:
    """A module brings what it imports, and the packages that this lies in; nothing else of them."""
    root = tree(
        "source",
        {
            "handlers/__init__.py": "",
            "handlers/api.py": "from orders.order import Order\nimport effects.table",
            "handlers/other.py": "",
            "orders/__init__.py": "",
            "orders/order.py": "from orders import money",
            "orders/money.py": "from decimal import Decimal",
            "orders/unused.py": "",
            "effects/table.py": "import boto3",
        },
    )

    assert names(closure_of("handlers.api", [root], provided={"boto3"})) == [
        "effects/table.py",
        "handlers/__init__.py",
        "handlers/api.py",
        "orders/__init__.py",
        "orders/money.py",
        "orders/order.py",
    ]


def test_relative_imports_are_followed(tree: Tree) -> None:
    """A dot means the package of the module, two its parent."""
    root = tree(
        "source",
        {
            "a/__init__.py": "from . import b",
            "a/b.py": "",
            "a/c/__init__.py": "from ..d import thing",
            "a/d.py": "",
            "main.py": "import a.c",
        },
    )

    assert names(closure_of("main", [root], provided=())) == [
        "a/__init__.py",
        "a/b.py",
        "a/c/__init__.py",
        "a/d.py",
        "main.py",
    ]


def test_imports_for_types_alone_are_left_out(tree: Tree) -> None:
    """What only a type checker imports does not run; its alternative does."""
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import types_only\nelse:\n    import instead"
    root = tree("source", {"main.py": text, "types_only.py": "", "instead.py": ""})

    assert names(closure_of("main", [root], provided=())) == ["instead.py", "main.py"]


def test_imports_inside_functions_are_kept(tree: Tree) -> None:
    """A late import may run, so what it needs is there."""
    root = tree("source", {"main.py": "def late():\n    import other", "other.py": ""})

    assert names(closure_of("main", [root], provided=())) == ["main.py", "other.py"]


def test_modules_named_in_strings_are_kept(tree: Tree) -> None:
    """A constant with a module's name may be an import by name."""
    text = "import importlib\nfound = importlib.import_module('package.inner')"
    root = tree("source", {"main.py": text, "package/__init__.py": "", "package/inner.py": "", "package/not.py": ""})

    assert names(closure_of("main", [root], provided=())) == ["main.py", "package/__init__.py", "package/inner.py"]


def test_packages_that_import_by_computed_names_stay_whole(tree: Tree) -> None:
    """Where the text does not tell which module is imported, all of the package are kept."""
    lazy = "import importlib\ndef __getattr__(name):\n    return importlib.import_module(f'{__name__}.{name}')"
    root = tree("source", {"main.py": "import lazy", "lazy/__init__.py": lazy, "lazy/one.py": "", "lazy/two/x.py": ""})

    assert names(closure_of("main", [root], provided=())) == [
        "lazy/__init__.py",
        "lazy/one.py",
        "lazy/two/x.py",
        "main.py",
    ]


def test_the_first_root_answers_first(tree: Tree) -> None:
    """Sources come before dependencies of the same name."""
    source = tree("source", {"main.py": "import shared, only_there", "shared.py": "ours = 1"})
    packages = tree("packages", {"shared.py": "theirs = 1", "only_there.py": ""})

    files = closure_of("main", [source, packages], provided=()).files

    assert files[Path("shared.py")] == source / "shared.py"
    assert files[Path("only_there.py")] == packages / "only_there.py"


def test_optional_parts_of_a_dependency_that_cannot_load_are_left_out(tree: Tree) -> None:
    """A late import of what needs an absent package would fail anyway, and takes its own imports with it."""
    source = tree("source", {"main.py": "import package"})
    packages = tree(
        "packages",
        {
            "package/__init__.py": "def models():\n    from package import schema\n    import package.schema",
            "package/schema.py": "import pydantic\nimport package.large",
            "package/large.py": "",
        },
    )

    assert names(closure_of("main", [source, packages], provided=())) == ["main.py", "package/__init__.py"]


def test_unanswered_imports_of_the_sources_are_told(tree: Tree) -> None:
    """An import that nothing provides is named with its file; a guarded one, or a dependency's, is not."""
    guarded = "try:\n    import guarded\nexcept ImportError: ..."
    source = tree("source", {"main.py": f"import json, boto3, missing.part\nimport package\n{guarded}"})
    packages = tree("packages", {"package.py": "import also_missing"})

    closure = closure_of("main", [source, packages], provided={"boto3"})

    assert closure.unanswered == ((Path("main.py"), "missing.part"),)
