"""The lines of `penstock run`."""

import json
import re
import signal

import pytest

from penstock.cli.lines import Printer
from penstock.cloud.policies.guard import Denied
from tests.story.chronicle import ended, written

STATEMENT = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "arn:of:table"}
DENIED = Denied(
    principal="Relay", message="User: x is not authorized", where="a policy of the role r", statement=STATEMENT
)


def test_denial_is_printed_even_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing must be seen: the message, the place and the statement, ready to be pasted."""
    Printer(quiet=True).tell(DENIED)

    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("Relay: DENIED User: x is not authorized")
    assert second == f"  missing in a policy of the role r: {json.dumps(STATEMENT)}"


def test_steps_of_records_are_printed_unless_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """A write is a line with the time of day; a quiet run says nothing of it."""
    for quiet in (False, True):
        Printer(quiet=quiet).tell(written(1))

    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d orders: INSERT k1 by api dynamodb:PutItem", line)


def test_line_that_nobody_reads_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is interrupted, whoever told of it goes on, and what is told meanwhile is not printed."""
    printed: list[str] = []

    def unread(text: str, **_: object) -> None:
        printed.append(text)
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", unread)
    printer = Printer(quiet=False)
    interrupted: list[int] = []

    before = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        for number in (1, 2):
            printer.tell(written(number))
    finally:
        signal.signal(signal.SIGINT, before)

    assert (len(printed), interrupted) == (1, [signal.SIGINT])


def test_trouble_is_red_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody sees colours, what went wrong has one."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    printer = Printer(quiet=False)
    for fact in (written(1), ended("r", function="api", result="failed", error="ValueError: no")):
        printer.tell(fact)

    well, wrong = capsys.readouterr().out.splitlines()
    assert "\x1b" not in well
    assert wrong.endswith("\x1b[31mapi: failed, ValueError: no (5 ms)\x1b[0m")
