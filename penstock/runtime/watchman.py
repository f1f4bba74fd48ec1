"""Sees to it that no worker process outlives this one, however this one ends."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys

# Reads "+<process group>" and "-<process group>"; the end of its input means that nobody is left to end them.
_SCRIPT = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class Watchman:
    """A process beside this one that kills the worker processes when this one is gone.

    A worker that waits for work notices a lost Runtime API and ends by itself; one that computes or sleeps would
    run on. The watchman hears of this process's end through a pipe, which works for SIGKILL and on every Unix
    (``PR_SET_PDEATHSIG`` is Linux alone, and a watching thread inside the worker would not be what Lambda runs).
    """

    def __init__(self) -> None:
        # A session of its own: Ctrl-C and a closed terminal reach the tool, which then ends its workers.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-I", "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    def watch(self, process_group: int) -> None:
        """Take a worker's process group into care."""
        self._tell(f"+{process_group}\n")

    def forget(self, process_group: int) -> None:
        """Let go of a process group that is gone: its number may come back as somebody else's."""
        self._tell(f"-{process_group}\n")

    async def close(self) -> None:
        """Kill whatever is still in care, and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(line.encode())
