"""The journal's file: a line of JSON for each fact, begun anew with each run.

A run that goes on for days does not fill the disk: a file that has grown to `LIMIT_BYTES` becomes the older half,
next to it, in place of the one before. A run that is still going keeps its own file when another run begins.

The file is locked (``flock``) while it lacks something that was told: whoever saw an effect and then asks for its story
waits for that, and misses nothing.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from penstock.errors import EnvironmentProblem, UsageError
from penstock.story.facts import Fact, RunBegan, decode, encode

LIMIT_BYTES = 256 * 1024 * 1024
"""How long one half of the journal grows; our choice."""

PATIENCE_SECONDS = 60.0
"""How long a reader waits for what was told to be written: a run that is stopped (Ctrl-Z) does not go on."""

WRITES_AWAITED = 3
"""How many writes of a busy run, which may never pause, a reader waits for: what was told before them is in these."""


def _older(path: Path) -> Path:
    return path.with_suffix(f".older{path.suffix}")


class JournalFile:
    """The file of a run that goes on. A thread of its own writes it: who tells does not wait for the disk."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Begin anew; `EnvironmentProblem` where no file can be made."""
        self._path = path
        self._limit_bytes = limit_bytes
        self._problem: OSError | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for former in (path, _older(path)):
                former.unlink(missing_ok=True)
            self._file = path.open("xb")
        except OSError as problem:
            raise self._refusal(problem) from None
        self._owed = 0
        self._owing = threading.Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")

    def announce(self) -> None:
        """Have readers wait until one more `append` is written."""
        with self._owing:
            self._owed += 1
            if self._owed == 1:
                _lock(self._file, fcntl.LOCK_EX)

    def append(self, facts: Iterable[Fact], *, frame: Iterable[Fact]) -> None:
        """Add facts that were announced, soon; ``frame`` are those that every half begins with.

        `EnvironmentProblem` where what was added before could not be written.
        """
        if self._problem is not None:
            raise self._refusal(self._problem)
        self._writer.submit(self._write, _text(facts), list(frame))

    def wait(self) -> None:
        """Return when all that was added is written."""
        self._writer.submit(int).result()

    def close(self) -> None:
        """Write the rest and no more; `EnvironmentProblem` where something could not be written."""
        self._writer.shutdown()
        try:
            self._file.close()
        except OSError as problem:
            self._problem = problem
        if self._problem is not None:
            raise self._refusal(self._problem)

    def _write(self, text: str, frame: Iterable[Fact]) -> None:
        try:
            self._file.write(text.encode(errors="replace"))
            self._file.flush()
            if self._file.tell() > self._limit_bytes:
                self._turn_over()
                self._file.write(_text(frame).encode(errors="replace"))
        except OSError as problem:
            self._problem = problem
        with self._owing:
            self._owed -= 1
            if not self._owed:
                _lock(self._file, fcntl.LOCK_UN)

    def _turn_over(self) -> None:
        """Go on in a new file; one that has no name any more, since another run began, in the same one from its top."""
        if not _is_at(self._path, self._file):
            self._file.seek(0)
            self._file.truncate()
            return
        self._path.replace(_older(self._path))
        file = self._path.open("xb")
        with self._owing:
            _lock(file, fcntl.LOCK_EX)
            self._file.close()
            self._file = file

    def _refusal(self, problem: OSError) -> EnvironmentProblem:
        return EnvironmentProblem(
            f"the journal {self._path} cannot be written: {problem.strerror}; run this in a folder with room for it"
        )


def _text(facts: Iterable[Fact]) -> str:
    return "".join([encode(fact) + "\n" for fact in facts])


def _lock(file: BinaryIO, operation: int) -> bool:
    """Whether a lock was had: the writer goes on without one while somebody reads."""
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether a file is the one of this name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def read_journal(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> list[Fact]:
    """The facts of the last run, oldest first, with all that was told before this was called.

    That of a run that does not write it within ``patience_seconds`` is read as it is then. `UsageError` for a file that
    is no journal of this version.
    """
    if not path.exists():
        raise UsageError(
            f"there is no journal {path}; run `penstock run` or `penstock demo` first, which keep it in their folder"
        )
    with ExitStack() as files:
        half = files.enter_context(_complete(path, until=time.monotonic() + patience_seconds))
        halves = [half]
        older = _older(path)
        if older.exists() and not _is_at(older, half):
            halves.insert(0, files.enter_context(_opened(older)))
        facts = [fact for each in halves for fact in _facts(each)]
    if not facts or not isinstance(facts[0], RunBegan):
        raise UsageError(f"{path} does not begin like a journal; give the file that `penstock run` wrote")
    return facts


def _complete(path: Path, *, until: float) -> BinaryIO:
    """The newer half, once it lacks nothing that was told; it may turn into the older one meanwhile."""
    while True:
        file = _opened(path)
        sizes = {_size_of(file)}
        while not _lock(file, fcntl.LOCK_SH) and len(sizes) <= WRITES_AWAITED and time.monotonic() < until:
            time.sleep(0.005)
            sizes.add(_size_of(file))
        if _is_at(path, file) or time.monotonic() >= until:
            return file
        file.close()


def _size_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem}; give the file that `penstock run` wrote") from None


def _facts(file: BinaryIO) -> Iterator[Fact]:
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return  # a run is about to write the rest
        try:
            yield decode(line)
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"{file.name}, line {number} is no fact that this version knows; give the journal of a run of this "
                "version"
            ) from None
