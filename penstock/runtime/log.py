"""What functions write: lines, with the invocation they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from penstock.template.models import Function

_LONGEST_LINE_BYTES = 1_048_576
"""A longer line is cut, as CloudWatch Logs cuts it (*CloudWatch Logs quotas*: event size 1 MB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One entry of a function's log, without its line end.

    ``request_id`` is ``None`` outside an invocation (initialization, threads left behind). ``platform`` lines
    are Lambda's own: timeouts, exits. ``text`` holds several lines where the runtime wrote them as one entry,
    as it does with the traceback of an exception.
    """

    function: Function
    request_id: str | None
    stream: Literal["stdout", "stderr", "platform"]
    text: str


class LogPipe:
    """One output of a worker process, read line by line as it comes.

    ``writer`` is the end to hand to the process; whoever starts it closes that end here afterwards. `drain` reads
    what is in the pipe right now, so that a line written before an answer belongs to that answer's invocation.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._partial = bytearray()
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reader, self.drain)
        self._open = True

    def drain(self) -> None:
        """Tell all lines that are complete by now."""
        while self._open:
            try:
                chunk = os.read(self._reader, 65536)
            except BlockingIOError:
                return
            if not chunk:
                self.close()
                return
            self._partial += chunk
            self._tell_lines()

    def close(self) -> None:
        """Tell what is left, and stop reading; closing twice does nothing."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        if self._partial:
            self._tell(bytes(self._partial))
            self._partial.clear()

    def close_writer(self) -> None:
        """Close the process's end on this side; closing twice does nothing."""
        if self.writer >= 0:
            with contextlib.suppress(OSError):
                os.close(self.writer)
            self.writer = -1

    def _tell_lines(self) -> None:
        *lines, rest = self._partial.split(b"\n")
        if lines or len(rest) > _LONGEST_LINE_BYTES:
            self._partial = rest
            for line in lines:
                self._tell(bytes(line))
        while len(self._partial) > _LONGEST_LINE_BYTES:
            self._tell(bytes(self._partial[:_LONGEST_LINE_BYTES]))
            del self._partial[:_LONGEST_LINE_BYTES]

    def _tell(self, line: bytes) -> None:
        # The runtime ends the lines inside one entry with \r and indents with no-break spaces.
        text = line.decode("utf-8", "replace").replace("\r", "\n").replace("\u00a0", " ").rstrip("\n")
        if text:
            self._on_line(text)
