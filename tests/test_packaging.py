"""What `pip install` of this repository brings: the tool, whole, and nothing of the application."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from penstock import __version__

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "penstock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = sorted({path.parent for path in PACKAGE.rglob("*.py")})


def test_every_folder_is_a_package() -> None:
    """What has no __init__.py is not found, so it would be missing from the wheel."""
    assert [folder for folder in FOLDERS if not (folder / "__init__.py").is_file()] == []


def test_every_file_is_packaged() -> None:
    """A file that is no module is in the wheel only where its package names it."""
    data = PROJECT["tool"]["setuptools"]["package-data"]

    def packaged(path: Path) -> bool:
        package = ".".join(path.parent.relative_to(ROOT).parts)
        return any(fnmatch(path.name, pattern) for pattern in data.get(package, ()))

    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert PACKAGE / "py.typed" in files
    assert [path for path in files if not packaged(path)] == []


def test_tool_needs_neither_the_cdk_nor_pytest() -> None:
    """What is installed beside it runs applications; it neither makes nor tests them."""
    names = {re.split(r"[\[=<>~ ]", each)[0].lower() for each in PROJECT["project"]["dependencies"]}

    assert names.isdisjoint({"aws-cdk-lib", "constructs", "cdk-nag", "pytest", "aws-lambda-powertools"})


def test_every_dependency_is_held_to_one_version() -> None:
    """The repairs fit one version of the engine, and what was tested is what is installed."""
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    for dependency in PROJECT["project"]["dependencies"]:
        assert re.sub(r"\[.*\]", "", dependency) in pinned


def test_version_is_a_release() -> None:
    """The build takes it from the package."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
