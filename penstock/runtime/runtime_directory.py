"""What Lambda puts beside a function's code: the runtime interface client and boto3, and nothing else."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from penstock.errors import EnvironmentProblem

PROVIDED = ("awslambdaric", "boto3")
"""What the Python runtimes of Lambda bring along (*Lambda runtimes*); each with what it requires."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def runtime_directory(cache: Path) -> Path:
    """Make a folder of links to the packages that Lambda provides: what ``/var/runtime`` is there.

    Made once under ``cache`` for each set of versions and places they are installed in; made anew when a link is
    missing or leads astray. ``EnvironmentProblem`` when a package is not installed, or not as files.
    """
    links = _links()
    told = repr((sys.version_info[:2], sorted((name, str(target)) for name, target in links.items())))
    folder = cache.resolve() / f"runtime-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    if not _intact(folder, links):
        _make(folder, links)
    return folder


def _links() -> dict[str, Path]:
    """Collect name in the folder → what it leads to: modules, packages, extension modules, metadata."""
    links: dict[str, Path] = {}
    for package in _closure():
        for entry in _top_level_entries(package):
            links[entry] = Path(os.path.abspath(str(package.locate_file(entry))))
    for name in PROVIDED:
        if name not in links:
            raise EnvironmentProblem(
                f"{name} is installed, but not as a package of files; install it with pip into this environment"
            )
    return links


def _closure() -> list[Distribution]:
    found: dict[str, Distribution] = {}
    wanted = [(name, True) for name in PROVIDED]
    while wanted:
        name, needed = wanted.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            if needed:
                raise EnvironmentProblem(
                    f"{name} is not installed; functions need it to run: pip install {name}"
                ) from None
            continue
        found[key] = package
        wanted += _requirements(package)
    return list(found.values())


def _requirements(package: Distribution) -> Iterator[tuple[str, bool]]:
    """List what a package requires, and whether always (``True``) or under a condition; extras are left out."""
    for line in package.requires or ():
        requirement, _, condition = line.partition(";")
        name = _REQUIREMENT.match(requirement)
        if name is not None and "extra" not in condition:
            yield name[1], not condition


def _top_level_entries(package: Distribution) -> set[str]:
    """List the files and folders of a package, from what pip recorded: ``files`` would make a path of each."""
    record = package.read_text("RECORD")
    if record is None:
        paths = [file.as_posix() for file in package.files or ()]
    else:
        paths = [row[0] for row in csv.reader(record.splitlines()) if row]
    entries = {path.partition("/")[0] for path in paths}
    return {e for e in entries if e not in ("..", "", "__pycache__") and not e.endswith(".pth")}


def _intact(folder: Path, links: dict[str, Path]) -> bool:
    try:
        present = {entry.name: Path(os.readlink(entry)) for entry in folder.iterdir()}
    except OSError:
        return False
    return present == links and all(target.exists() for target in links.values())


def _make(folder: Path, links: dict[str, Path]) -> None:
    draft = folder.with_name(f"{folder.name}-{uuid.uuid4().hex}")
    try:
        draft.mkdir(parents=True)
        for name, target in links.items():
            (draft / name).symlink_to(target)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except OSError as problem:
        # Another run may have been faster with the same folder; its links are as good.
        if not _intact(folder, links):
            raise EnvironmentProblem(
                f"no folder of links can be made in {folder.parent}: {problem}; free the place or choose another"
            ) from None
        shutil.rmtree(draft, ignore_errors=True)
