"""Packages become directories: whole, once, and nowhere else."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from penstock.errors import EnvironmentProblem, TemplateError
from penstock.runtime import packages
from penstock.runtime.packages import unpack
from penstock.template.models import Package


def archive(path: Path, *names: str | zipfile.ZipInfo) -> Path:
    """Write a zip file whose entries hold their names."""
    with zipfile.ZipFile(path, "w") as opened:
        for name in names:
            opened.writestr(name, name.filename if isinstance(name, zipfile.ZipInfo) else name)
    return path


def package(source: Path | str, directory: Path) -> Package:
    """Make a package of a function."""
    return Package(logical_id="Function", source=source, directory=directory)


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    """Make an entry with a file mode."""
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def test_inline_code_is_a_file(tmp_path: Path) -> None:
    """Inline code is the module index."""
    unpack([package("x = 'ü'\n", tmp_path / "cache" / "code")])

    assert (tmp_path / "cache" / "code" / "index.py").read_text(encoding="utf-8") == "x = 'ü'\n"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["code"]


def test_zip_file_keeps_folders_and_what_is_executable(tmp_path: Path) -> None:
    """Files lie where the archive has them; what could be executed can be, and nothing more than that."""
    tool = entry("bin/tool", stat.S_IFREG | 0o4755)
    source = archive(tmp_path / "code.zip", "empty/", "pkg/deep/mod.py", tool, entry("secret", stat.S_IFREG | 0o000))

    unpack([package(source, tmp_path / "code")])

    found = {path.relative_to(tmp_path / "code").as_posix() for path in (tmp_path / "code").rglob("*")}
    assert found == {"empty", "pkg", "pkg/deep", "pkg/deep/mod.py", "bin", "bin/tool", "secret"}
    assert (tmp_path / "code" / "pkg" / "deep" / "mod.py").read_text() == "pkg/deep/mod.py"
    modes = {name: stat.S_IMODE((tmp_path / "code" / name).stat().st_mode) for name in ("bin/tool", "secret")}
    assert modes == {"bin/tool": 0o755, "secret": 0o644}


def test_package_is_unpacked_once(tmp_path: Path) -> None:
    """A directory that is there is as good as a new one."""
    made = package("x = 1", tmp_path / "code")
    unpack([made])
    (tmp_path / "code" / "index.py").write_text("kept")

    unpack([made])

    assert (tmp_path / "code" / "index.py").read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../outside.py", "../outside.py leads out of it"),
        ("pkg/../../outside.py", "leads out of it"),
        ("/tmp/outside.py", "/tmp/outside.py leads out of it"),
        (entry("link", stat.S_IFLNK | 0o777), "link is a symbolic link; zip the file"),
    ],
)
def test_fails_when_an_entry_leads_out(tmp_path: Path, name: str | zipfile.ZipInfo, said: str) -> None:
    """A hostile archive writes nothing outside, and leaves nothing inside."""
    source = archive(tmp_path / "code.zip", "index.py", name)

    with pytest.raises(TemplateError, match=f"Function: the package .*code.zip: .*{said}"):
        unpack([package(source, tmp_path / "cache" / "code")])

    assert list((tmp_path / "cache").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["code.zip"]


def test_fails_when_it_is_larger_than_lambda_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of Lambda, counted before anything is written."""
    monkeypatch.setattr(packages, "UNPACKED_LIMIT_BYTES", len("index.py"))
    unpack([package(archive(tmp_path / "just.zip", "index.py"), tmp_path / "just")])

    with pytest.raises(TemplateError, match="more than the 250 MB"):
        unpack([package(archive(tmp_path / "code.zip", "index.py", "a"), tmp_path / "code")])


def test_fails_when_it_is_damaged(tmp_path: Path) -> None:
    """What is no longer what its checksum says is refused whole."""
    source = archive(tmp_path / "code.zip", "index.py")
    source.write_bytes(source.read_bytes().replace(b"index.pyindex.py", b"index.pyindex.pz"))

    with pytest.raises(TemplateError, match=r"it cannot be read: .*CRC.*; zip it again"):
        unpack([package(source, tmp_path / "code")])

    assert not (tmp_path / "code").exists()


def test_fails_when_the_place_is_taken(tmp_path: Path) -> None:
    """A file where the folders should be is a problem of the machine."""
    (tmp_path / "cache").write_text("")

    with pytest.raises(EnvironmentProblem, match=r"Function: its code cannot be unpacked into .*cache"):
        unpack([package("x = 1", tmp_path / "cache" / "code")])
