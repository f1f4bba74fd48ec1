"""Tells how far the demo is: a bar on a terminal, a few plain lines elsewhere. Never on standard output."""

from __future__ import annotations

from typing import TextIO

BAR_WIDTH = 40
PLAIN_LINES = 4
"""How many lines a count is told in where no bar can be drawn."""


class Progress:
    """Counts things up to a total, one count after the other."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar = stream.isatty()
        self._label = ""
        self._total = 0
        self._done = 0
        self._open = False

    def say(self, sentence: str) -> None:
        """A line of its own."""
        self._end()
        print(sentence, file=self._stream, flush=True)

    def begin(self, label: str, total: int) -> None:
        """Start to count ``total`` things."""
        self._end()
        self._label, self._total, self._done = label, total, 0
        if self._bar:
            self._draw()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        if self._bar:
            self._draw()
        elif self._done * PLAIN_LINES // self._total > (self._done - 1) * PLAIN_LINES // self._total:
            print(f"{self._label}: {self._done} of {self._total}", file=self._stream, flush=True)

    def _draw(self) -> None:
        filled = BAR_WIDTH * self._done // self._total if self._total else BAR_WIDTH
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        self._stream.write(f"\r{self._label} [{bar}] {self._done}/{self._total}")
        self._stream.flush()
        self._open = True

    def _end(self) -> None:
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False
