"""The command line: one module per subcommand.

Each module has a docstring whose first line is its help, ``add_arguments(parser)`` and ``main(arguments) -> int``; one
that takes ``--json`` has ``fields()`` too, the meaning of each field by its path (`penstock.cli.fields`). Here they are
put together, and errors become messages and exit codes.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from penstock import __version__
from penstock.errors import PenstockError, UsageError
from penstock.terminal import program

SUBCOMMANDS = ("run", "story", "check", "fidelity", "filter", "token", "demo", "conform")

EXIT_CODES = """\
exit codes:
  0  done
  1  could not: the template is refused, something was found wrong, this machine lacks something, or interrupted
  2  usage: an argument is wrong, or names a file that is not there or is none of the kind"""


class _Parser(argparse.ArgumentParser):
    """Ends each refusal with what to try."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong with the arguments, and exit with 2."""
        self.exit(UsageError.exit_code, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = _Parser(
        prog=program(),
        description="Runs and checks the CloudFormation template of a serverless application on this machine.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"penstock {__version__}", help="show the version")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name in SUBCOMMANDS:
        module = importlib.import_module(f"penstock.cli.{name}")
        text = spoken((module.__doc__ or "").strip())
        command = commands.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand: 0 done, 1 could not (or was interrupted), 2 usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a key is no reason to fail
    arguments = parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        code: int = arguments.main(arguments)
        sys.stdout.flush()
        return code
    except PenstockError as error:
        _tell(arguments.command, str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        if str(error.name).startswith("penstock"):
            raise
        _tell(arguments.command, f"{error.name} is missing from {sys.prefix}; install penstock there again with pip")
        return 1
    except KeyboardInterrupt:
        _tell(arguments.command, "interrupted; nothing is left running")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def spoken(text: str) -> str:
    """A text whose commands (``penstock run …``) read as the user types them here."""
    return re.sub(rf"\bpenstock(?= (?:{'|'.join(SUBCOMMANDS)})\b)", program(), text)


def _tell(command: str, message: str) -> None:
    print(f"{program()} {command}: {spoken(message)}", file=sys.stderr)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    print("\nstopping", file=sys.stderr, flush=True)
    raise KeyboardInterrupt
