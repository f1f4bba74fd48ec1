"""The Python packages that functions carry, installed once and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".penstock" / "dependencies"


def pinned(requirements: Path) -> tuple[str, ...]:
    """Read the requirements of a file, in its order; refuse what is not pinned, for it would change by itself."""
    if not requirements.is_file():
        raise ValueError(f"{requirements.name} is missing: list there what the functions need, or leave it empty")
    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    wanted = tuple(line for line in lines if line)
    for line in wanted:
        if "==" not in line:
            raise ValueError(f"requirement {line!r} in {requirements.name} is not pinned: write it with ==")
    return wanted


def installed(requirements: Path, *, runtime: str, cache: Path = CACHE) -> Path:
    """Return the folder with exactly these packages for a runtime such as ``python3.13``; install at the first need.

    Only pure Python: a wheel for one platform is refused, since the machine that bundles is not the one that runs.
    """
    wanted = pinned(requirements)
    key = hashlib.sha256("\n".join([runtime, *wanted]).encode()).hexdigest()[:16]
    folder = cache / key
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        # Beside its final place, then renamed: nobody ever sees half of it.
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            unfinished = Path(scratch) / "packages"
            unfinished.mkdir()
            if wanted:
                _install(requirements, unfinished, runtime)
            _publish(unfinished, folder)
    return folder


def _install(requirements: Path, target: Path, runtime: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--no-deps", "--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]
    command += [f"--python-version={runtime.removeprefix('python')}"]
    command += [f"--target={target}", f"--requirement={requirements}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as failed:
        raise ValueError(
            f"pip could not install {requirements.name}: check the network and that each requirement has a pure "
            f"Python wheel\n{failed.stderr}"
        ) from failed


def _publish(unfinished: Path, folder: Path) -> None:
    try:
        os.rename(unfinished, folder)
    except OSError:
        # Somebody else was first; both hold the same.
        if not folder.is_dir():
            raise
        shutil.rmtree(unfinished)
