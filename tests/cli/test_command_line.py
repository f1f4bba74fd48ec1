"""What all subcommands have in common: help, refusals, exit codes, and the words for themselves."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.cli import SUBCOMMANDS, main, parser, spoken
from penstock.cli.arguments import whole_number
from tests.template.assembly_writer import AssemblyWriter

READING = {"story", "check", "fidelity", "filter", "token", "demo", "conform"}
"""The subcommands that read something and tell of it."""


def commands() -> dict[str, argparse.ArgumentParser]:
    """Name → parser of each subcommand."""
    (found,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(found.choices)


def options() -> Iterator[tuple[str, argparse.Action]]:
    """Each argument of each subcommand, with the subcommand's name."""
    for name, command in commands().items():
        yield from ((name, action) for action in command._actions if action.dest != "help")


def test_each_command_says_what_it_does_in_a_sentence() -> None:
    """The list of commands and the first line of each help begin with a capital and end with a full stop."""
    for name, command in commands().items():
        first = (command.description or "").partition("\n")[0]
        assert re.fullmatch(r"[A-Z][^.]*\.", first), (name, first)


def test_each_argument_is_helped_in_one_style() -> None:
    """A phrase in lower case without a full stop; metavars in capitals; defaults told the same way."""
    for name, action in options():
        text = action.help or ""
        place = (name, action.option_strings or action.metavar, text)
        assert re.match(r"[a-z-]|JSON|PATH", text), place
        assert not text.endswith("."), place
        if action.nargs != 0:
            assert re.fullmatch(r"[A-Z|_=]+", str(action.metavar)), place
        if action.default not in (None, False, [], argparse.SUPPRESS):
            assert text.endswith("(default: %(default)s)"), place


@pytest.mark.parametrize("name", sorted(READING))
def test_each_command_that_reads_speaks_json(name: str) -> None:
    """Whatever a person can read a program can read."""
    assert "--json" in commands()[name].format_help()


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_help_is_complete(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is printed without an error and names every option."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(option in printed for action in commands()[name]._actions for option in action.option_strings)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run", "--port", "99999"],
        ["run", "--port", "many"],
        ["demo", "--limit", "none"],
        ["demo", "--limit", "0"],
        ["check"],
        ["conform"],
        ["filter", "records.jsonl"],
        *([name, "--unheard-of"] for name in SUBCOMMANDS),
    ],
    ids=" ".join,
)
def test_fails_when_the_command_line_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors exit with 2 and end with what to try."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert re.search(r"; see `penstock.* --help`\n$", capsys.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "{nowhere}"],
        ["run", "{assembly}", "--faults", "{nowhere}"],
        ["check", "{nowhere}"],
        ["fidelity", "{nowhere}"],
        ["filter", "--pattern", "{}", "{nowhere}"],
        ["filter", "--pattern", "{nowhere}", "{records}"],
        ["filter", "--template", "{nowhere}", "--mapping", "M", "{records}"],
        ["token", "{nowhere}"],
        ["demo", "--orders", "{nowhere}"],
        ["demo", "{nowhere}"],
        ["story", "1", "--journal", "{nowhere}"],
        ["conform", "{nowhere}"],
    ],
    ids=" ".join,
)
def test_fails_when_a_file_is_not_there(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    assembly: AssemblyWriter,
) -> None:
    """Whatever names it, a file that is not there is a usage error, told with the path and what to give."""
    assembly.stack({})
    records = tmp_path / "records.jsonl"
    records.write_text('{"a": 1}\n')
    places = {"{nowhere}": tmp_path / "nowhere", "{assembly}": assembly.path, "{records}": records}

    assert main([str(places.get(each, each)) for each in arguments]) == 2

    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith(f"penstock {arguments[0]}: ")
    assert "nowhere" in message
    assert "; give" in message or "; run" in message or "header" in message


def test_commands_are_told_as_the_user_types_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool's own name in prose stays; only its commands are spelled the user's way."""
    monkeypatch.setattr("sys.argv", ["/somewhere/penstock/__main__.py"])

    assert spoken("penstock says: `penstock run cdk.out`") == "penstock says: `python -m penstock run cdk.out`"


@pytest.mark.parametrize(("text", "problem"), [("x", "no whole number"), ("0", "out of range"), ("9", "from 1 to 8")])
def test_number_outside_its_limits_is_refused(text: str, problem: str) -> None:
    """The limits are told."""
    with pytest.raises(argparse.ArgumentTypeError, match=problem):
        whole_number(1, 8)(text)
