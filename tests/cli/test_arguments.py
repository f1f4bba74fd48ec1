"""The options that every subcommand takes that reads a template."""

from __future__ import annotations

import argparse

import pytest

from penstock.cli.arguments import add_template_options, parameters_of
from penstock.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    """Parse a command line of these options alone."""
    parser = argparse.ArgumentParser(prog="penstock")
    add_template_options(parser)
    return parser.parse_args(words)


def test_parameters_are_pairs() -> None:
    """A value may hold an equals sign or be empty; what is left out is a list."""
    given = parsed("--parameter", "Url=http://x?a=b", "--skip", "A", "--parameter", "Shop:Name=", "--skip", "B")

    assert parameters_of(given) == {"Url": "http://x?a=b", "Shop:Name": ""}
    assert given.skip == ["A", "B"]


def test_fails_when_a_parameter_is_given_twice() -> None:
    """Neither of two values is chosen."""
    with pytest.raises(UsageError, match="--parameter Name was given twice"):
        parameters_of(parsed("--parameter", "Name=a", "--parameter", "Name=b"))


def test_fails_when_it_is_no_pair(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no pair may be a secret and is not repeated."""
    with pytest.raises(SystemExit):
        parsed("--parameter", "hunter2")

    told = capsys.readouterr().err
    assert "NAME=VALUE" in told
    assert "hunter2" not in told
