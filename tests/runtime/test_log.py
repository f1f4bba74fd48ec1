"""Lines out of pipes."""

from __future__ import annotations

import asyncio
import os

from penstock.runtime.log import LogPipe


def heard(*writes: bytes) -> list[str]:
    """Write to a pipe, piece by piece, and tell which lines come out."""

    async def main() -> list[str]:
        lines: list[str] = []
        pipe = LogPipe(lines.append)
        for piece in writes:
            os.write(pipe.writer, piece)
            pipe.drain()
        pipe.close_writer()
        pipe.drain()
        pipe.close()
        return lines

    return asyncio.run(main())


def test_pieces_become_lines() -> None:
    """A line is told once it is complete, and what is left at the end is told too."""
    assert heard(b"on", b"e\ntwo\nthr", b"ee") == ["one", "two", "three"]


def test_entry_of_the_runtime_stays_together() -> None:
    """Lines that the runtime wrote as one entry stay one, with ordinary line ends and spaces."""
    assert heard("[ERROR] E\r\u00a0\u00a0File\r\n".encode()) == ["[ERROR] E\n  File"]


def test_empty_lines_are_dropped() -> None:
    """An empty line says nothing."""
    assert heard(b"one\n\n\ntwo\n") == ["one", "two"]


def test_undecodable_bytes_are_replaced() -> None:
    """What is not UTF-8 does not stop the log."""
    assert heard(b"caf\xe9\n") == ["caf\ufffd"]


def test_endless_line_is_cut() -> None:
    """A line of more than 1 MB is cut rather than kept for ever."""
    lines = heard(*[b"x" * 65536] * 16, b"y")

    assert [len(line) for line in lines] == [1_048_576, 1]
