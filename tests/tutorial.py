"""Follows docs/tutorial.md to the letter, in an empty folder: `python -m tests.tutorial`, or `make tutorial`.

A block is written to the file that its first line names, or typed into a terminal, command by command. What is shown
below a command must be what comes out of it, line by line: ``…`` stands for anything, also for lines that are left out.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
LIMIT_SECONDS = 600.0
INTERRUPT = "^C"

_BLOCK = re.compile(r"^```(?P<language>\w+) ?(?P<name>[\w.]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVING = ("penstock run ",)
_OVER = "this command is over: "


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Something to be written."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to be typed into a terminal (the first one has no name), and what is shown below it."""

    terminal: str
    text: str
    shown: tuple[str, ...]


def steps(page: str) -> Iterator[File | Command]:
    """What the reader of a page does, in order."""
    for block in _BLOCK.finditer(page):
        if block["language"] != "console":
            yield File(name=block["name"], text=block["text"])
            continue
        for part in re.split(r"^(?=\$ |\^C$)", block["text"], flags=re.MULTILINE):
            if part:
                typed, *shown = part.splitlines()
                yield Command(terminal=block["name"], text=typed.removeprefix("$ "), shown=tuple(shown))


def follow(folder: Path, variables: Mapping[str, str], *, skipped: Callable[[str], bool] = lambda _: False) -> None:
    """Do what the page says; raises `AssertionError` for what is not as it says."""
    terminals: dict[str, Terminal] = {}
    try:
        for step in steps(PAGE.read_text(encoding="utf-8")):
            if isinstance(step, File):
                (folder / step.name).write_text(step.text, encoding="utf-8")
            elif not skipped(step.text):
                if step.terminal not in terminals:
                    terminals[step.terminal] = Terminal(folder, variables)
                terminals[step.terminal].type(step)
    finally:
        for terminal in terminals.values():
            terminal.close()


class Terminal:
    """A shell that commands are typed into."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # as in a terminal, Ctrl-C reaches the shell and what runs in it, and nothing else
        )
        self._send("trap : INT")  # and ends the latter, as in a shell that is typed into
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def type(self, command: Command) -> None:
        """Type one command and wait for its end; of one that serves, for the last line that is shown."""
        if command.text == INTERRUPT:
            self._interrupt()
        else:
            self._send(command.text)
        if not command.text.startswith(_SERVING):
            self._send(f'echo "{_OVER}$?"')
        self._expect(command)

    def close(self) -> None:
        """End the shell and whatever runs in it."""
        self._interrupt()
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        try:
            self._shell.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._listener.join(120)

    def _expect(self, command: Command) -> None:
        """Compare what comes with what is shown."""
        serving = command.text.startswith(_SERVING)
        wanted = list(command.shown)
        said: list[str] = []
        while wanted or not serving:
            line = self._next(command, said)
            if line.startswith(_OVER):
                assert line == f"{_OVER}0", self._story(command, said)
                break
            said.append(line)
            wanted = _without_met(wanted, line)
        assert [line for line in wanted if line != "…"] == [], self._story(command, said)

    def _next(self, command: Command, said: Sequence[str]) -> str:
        try:
            line = self._lines.get(timeout=LIMIT_SECONDS)
        except queue.Empty:
            line = None
        if line is None:
            raise AssertionError(f"nothing more came\n{self._story(command, said)}")
        return line

    def _story(self, command: Command, said: Sequence[str]) -> str:
        told = "\n".join(("came:", *said, "", "is shown:", *command.shown))
        return f"$ {command.text}\n{told}"

    def _send(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGINT)

    def _listen(self) -> None:
        assert self._shell.stdout is not None
        with self._shell.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def _without_met(wanted: list[str], line: str) -> list[str]:
    """What is still to come after a line: the next one that is shown may be behind others that are left out."""
    place = next((index for index, each in enumerate(wanted) if each != "…"), None)
    if place is None:
        return wanted
    pattern = ".*".join(re.escape(part) for part in wanted[place].split("…"))
    return wanted[place + 1 :] if re.fullmatch(pattern, line) else wanted


def main() -> int:
    """Follow the page as its reader would: with pip, in an environment of its own."""
    variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="tutorial") as name:
        follow(
            Path(name),
            {**variables, "PENSTOCK": str(ROOT)},
            skipped=lambda command: command.startswith("export PENSTOCK="),
        )
    sys.stdout.write("the tutorial is as it says\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
