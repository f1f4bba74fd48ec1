"""The folder that stands for ``/var/runtime``."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import EnvironmentProblem
from penstock.runtime import runtime_directory as module
from penstock.runtime.runtime_directory import runtime_directory


def test_folder_holds_what_lambda_provides(tmp_path: Path) -> None:
    """The runtime interface client with its extension module, boto3, what both require, and nothing else."""
    folder = runtime_directory(tmp_path)

    names = {entry.name for entry in folder.iterdir() if not entry.name.endswith(".dist-info")}
    (extension,) = (name for name in names if name.startswith("runtime_client."))
    assert names - {extension} == {
        "awslambdaric",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "s3transfer",
        "simplejson",
        "six.py",
        "snapshot_restore_py.py",
        "urllib3",
    }
    assert any(entry.name.startswith("boto3-") for entry in folder.iterdir())


def test_folder_is_made_once(tmp_path: Path) -> None:
    """The same versions in the same place give the same folder, untouched."""
    made = runtime_directory(tmp_path).stat().st_ino

    assert runtime_directory(tmp_path).stat().st_ino == made


@pytest.mark.parametrize("damage", ["missing", "astray", "foreign"])
def test_stale_folder_is_made_anew(tmp_path: Path, damage: str) -> None:
    """A folder with a link missing, leading elsewhere, or too many is replaced."""
    folder = runtime_directory(tmp_path)
    whole = {entry.name for entry in folder.iterdir()}
    if damage == "foreign":
        (folder / "moto").symlink_to(tmp_path)
    else:
        (folder / "boto3").unlink()
    if damage == "astray":
        (folder / "boto3").symlink_to(tmp_path / "nowhere")

    again = runtime_directory(tmp_path)

    assert {entry.name for entry in again.iterdir()} == whole
    assert (again / "boto3" / "__init__.py").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == [again.name]


def test_fails_when_a_package_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is named with the way to install it."""
    monkeypatch.setattr(module, "PROVIDED", ("awslambdaric", "absent-package"))

    with pytest.raises(EnvironmentProblem, match="pip install absent-package"):
        runtime_directory(tmp_path)


def test_fails_when_the_cache_cannot_be_made(tmp_path: Path) -> None:
    """A place that is no folder is named."""
    taken = tmp_path / "file"
    taken.touch()

    with pytest.raises(EnvironmentProblem, match="file"):
        runtime_directory(taken)
