"""Makes directories of packages: zip files and inline code, each unpacked once and kept by what it holds."""

from __future__ import annotations

import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from penstock.errors import EnvironmentProblem, TemplateError
from penstock.template.models import Package

INLINE_FILE = "index.py"
"""What Lambda calls the file of inline code (*AWS::Lambda::Function Code*)."""

UNPACKED_LIMIT_BYTES = 262_144_000
"""How large a package may be when it is unpacked (*Lambda quotas*: 250 MB)."""


def unpack(packages: Iterable[Package]) -> None:
    """Make the directory of each package that has none yet; a directory is there as a whole or not at all.

    Raises `TemplateError` for a zip file that Lambda would not take or that leads out of its directory,
    `EnvironmentProblem` where the disk does not take it.
    """
    for package in packages:
        if not package.directory.is_dir():
            _make(package)


def _make(package: Package) -> None:
    draft = package.directory.with_name(f"{package.directory.name}-{uuid.uuid4().hex}")
    try:
        draft.mkdir(parents=True)
        if isinstance(package.source, str):
            (draft / INLINE_FILE).write_text(package.source, encoding="utf-8")
        else:
            _extract(package, package.source, draft)
        draft.rename(package.directory)
    except OSError as problem:
        # Another run may have been faster with the same package; what it made is as good.
        if not package.directory.is_dir():
            raise EnvironmentProblem(
                f"{package.logical_id}: its code cannot be unpacked into {draft.parent}: {problem}; free the place"
            ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _extract(package: Package, archive: Path, directory: Path) -> None:
    """Write the files of an archive; executable stays what was, everything can be read."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES:
                raise _refused(package, "it has more than the 250 MB that Lambda unpacks", "leave out what is not used")
            for entry in entries:
                _check(package, entry)
                place = directory / entry.filename
                if entry.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as source, place.open("wb") as target:
                    shutil.copyfileobj(source, target)
                place.chmod(0o644 | (entry.external_attr >> 16) & 0o111)
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as problem:  # the last for what is encrypted
        raise _refused(package, f"it cannot be read: {problem}", "zip it again") from None


def _check(package: Package, entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that could end up elsewhere."""
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts:
        raise _refused(package, f"{entry.filename} leads out of it", "zip it from within the directory of the code")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused(package, f"{entry.filename} is a symbolic link", "zip the file that it leads to")


def _refused(package: Package, problem: str, remedy: str) -> TemplateError:
    return TemplateError(f"the package {package.source}: {problem}", logical_id=package.logical_id, remedy=remedy)
