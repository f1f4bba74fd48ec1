"""The command line: one module per subcommand.

Each module has a docstring whose first line is its help, ``add_arguments(parser)`` and
``main(arguments) -> int``. Here they are put together, and errors become messages and exit codes.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from penstock import __version__
from penstock.errors import PenstockError

SUBCOMMANDS = ("run", "check", "filter", "token", "demo", "conform")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="penstock", description="Runs and checks a synthesized CloudFormation template on this machine."
    )
    whole.add_argument("--version", action="version", version=f"penstock {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in SUBCOMMANDS:
        module = importlib.import_module(f"penstock.cli.{name}")
        text = (module.__doc__ or "").strip()
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
    arguments = parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        code: int = arguments.main(arguments)
        sys.stdout.flush()
        return code
    except PenstockError as error:
        print(f"penstock {arguments.command}: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if str(error.name).startswith("penstock"):
            raise
        advice = "run `make setup` and use .venv/bin/python, or `pip install` this tool"
        print(f"penstock {arguments.command}: {error.name} is not installed; {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"penstock {arguments.command}: interrupted; nothing is left running", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    print("\nstopping", file=sys.stderr, flush=True)
    raise KeyboardInterrupt
