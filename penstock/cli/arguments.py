"""What the arguments of several subcommands share, so that one thing has one name and one help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from penstock.errors import UsageError

DEFAULT_ASSEMBLY = Path("cdk.out")
TEMPLATE_HELP = "a cdk.out directory or a template file, JSON or YAML"


def add_path(parser: argparse.ArgumentParser) -> None:
    """PATH: the one template that a subcommand works on."""
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        type=Path,
        default=DEFAULT_ASSEMBLY,
        help=f"{TEMPLATE_HELP} (default: %(default)s)",
    )


def add_template_options(parser: argparse.ArgumentParser) -> None:
    """--parameter and --skip: what the template is given, and what is left out of it (`reader.load` tells more)."""
    parser.add_argument(
        "--parameter",
        metavar="NAME=VALUE",
        dest="parameters",
        action="append",
        default=[],
        type=_parameter,
        help="the value of a parameter, of one stack as STACK:NAME=VALUE; may be repeated",
    )
    parser.add_argument(
        "--skip",
        metavar="NAME",
        action="append",
        default=[],
        help="leave out a resource by logical id, all below a construct path, or what another template has by its ARN, "
        "and what only hangs on it; may be repeated",
    )


def parameters_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Name → value of the parameters that were given; `UsageError` for one that was given twice."""
    given: dict[str, str] = {}
    for name, value in arguments.parameters:
        if name in given:
            raise UsageError(f"--parameter {name} was given twice; give it once")
        given[name] = value
    return given


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json: for programs."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_dynamodb_endpoint(parser: argparse.ArgumentParser) -> None:
    """--dynamodb-endpoint: tables elsewhere."""
    parser.add_argument(
        "--dynamodb-endpoint",
        metavar="URL",
        help="a DynamoDB endpoint of your own that holds the tables meanwhile (default: the built-in tables)",
    )


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type of argument: a whole number within limits, both included; anything else is a usage error."""
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number; give one {limits}") from None
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{number} is out of range; give a number {limits}")
        return number

    return read


def _parameter(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not name or not given:
        raise argparse.ArgumentTypeError("a parameter is given as NAME=VALUE")  # not shown: it may be a secret
    return name, value
