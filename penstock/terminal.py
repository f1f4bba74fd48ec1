"""What a person at a terminal typed, and what is shown there beside the output: progress, and colour.

Progress goes to standard error and is told only of what takes longer than two seconds. What overwrites a line is for
terminals alone, and so is colour, which ``NO_COLOR`` (no-color.org) and ``TERM=dumb`` take away.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

QUIET_SECONDS = 2.0
"""What is over by then needs no telling."""

BAR_WIDTH = 40
PLAIN_LINES = 4
"""How many lines a count is told in where no bar can be drawn."""

_ERASED = "\r\x1b[K"


def program() -> str:
    """The words that started this process: ``penstock``, or ``python -m penstock``."""
    return "python -m penstock" if Path(sys.argv[0]).parts[-2:] == ("penstock", "__main__.py") else "penstock"


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours for one stream; a plain one leaves every text as it is."""

    coloured: bool = False

    @classmethod
    def of(cls, stream: TextIO, variables: Mapping[str, str] = os.environ) -> Self:
        """Colours if the stream is a terminal and nobody asked for none."""
        return cls(stream.isatty() and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb")

    def good(self, text: str) -> str:
        """What went well: green."""
        return self._in("32", text)

    def doubtful(self, text: str) -> str:
        """What deserves a look: yellow."""
        return self._in("33", text)

    def bad(self, text: str) -> str:
        """What went wrong: red."""
        return self._in("31", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text


class Progress:
    """Tells how far something is: a bar on a terminal, a few plain lines elsewhere.

    Work that knows its total is counted (`begin`, `step`), other work has a name (`during`); either is told only once
    it takes longer than ``quiet_seconds``. `say` is for what is always told.
    """

    def __init__(
        self, stream: TextIO, *, quiet_seconds: float = QUIET_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._quiet_seconds = quiet_seconds
        self._now = now
        self._terminal = stream.isatty()
        self._lock = threading.Lock()
        self._label = ""
        self._total = 0
        self._done = 0
        self._told_from = 0.0
        self._open = False

    def say(self, sentence: str) -> None:
        """A line of its own."""
        self._end()
        print(sentence, file=self._stream, flush=True)

    def begin(self, label: str, total: int) -> None:
        """Start to count ``total`` things."""
        self._end()
        self._label, self._total, self._done = label, total, 0
        self._told_from = self._now() + self._quiet_seconds
        self._tell_count()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._tell_count()

    @contextmanager
    def counting(self, label: str, total: int) -> Iterator[None]:
        """Count meanwhile, and leave no trace on a terminal."""
        self.begin(label, total)
        try:
            yield
        finally:
            self._erase()

    @contextmanager
    def during(self, label: str) -> Iterator[None]:
        """Tell meanwhile what takes so long, and leave no trace on a terminal."""
        speaking = threading.Timer(self._quiet_seconds, self._speak, (label,))
        speaking.daemon = True
        speaking.start()
        try:
            yield
        finally:
            speaking.cancel()
            self._erase()

    def _speak(self, label: str) -> None:
        with self._lock:
            self._stream.write(f"{label} …" if self._terminal else f"{label} …\n")
            self._stream.flush()
            self._open = self._terminal

    def _tell_count(self) -> None:
        if self._now() < self._told_from:
            return
        if self._terminal:
            self._draw()
        elif self._done and self._quarter(self._done) > self._quarter(self._done - 1):
            print(f"{self._label}: {self._done} of {self._total}", file=self._stream, flush=True)

    def _quarter(self, done: int) -> int:
        return done * PLAIN_LINES // self._total

    def _draw(self) -> None:
        filled = BAR_WIDTH * self._done // self._total if self._total else BAR_WIDTH
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        self._stream.write(f"\r{self._label} [{bar}] {self._done}/{self._total}")
        self._stream.flush()
        self._open = True

    def _end(self) -> None:
        """Leave what was drawn and go on below it."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False

    def _erase(self) -> None:
        with self._lock:
            if self._open:
                self._stream.write(_ERASED)
                self._stream.flush()
                self._open = False
