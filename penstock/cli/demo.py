"""Send real orders through the application, break things on purpose, and account for every order."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from penstock.cli.run import ENDPOINT_HELP

DEFAULT_SEED = 1
"""The same world at each run; another seed, another world."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what the subcommand takes."""
    parser.add_argument(
        "path", metavar="PATH", nargs="?", type=Path, default=Path("cdk.out"), help="the cloud assembly (cdk.out)"
    )
    parser.add_argument(
        "--orders", metavar="FILE", type=Path, help="a CSV file of invoices; by default the one that comes along"
    )
    parser.add_argument("--limit", metavar="N", type=_positive, help="send only the first N invoices")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=DEFAULT_SEED, help="the seed of all chance (%(default)s)"
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--no-faults", action="store_true", help="let nothing go wrong on purpose")
    faults.add_argument(
        "--faults", metavar="FILE", type=Path, help="a fault script in place of the demo's own (docs/local-run.md)"
    )
    parser.add_argument("--dynamodb-endpoint", metavar="URL", help=ENDPOINT_HELP)
    parser.add_argument("--json", action="store_true", help="print the account as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when all is accounted for, 1 when not, 2 when nothing could be sent."""
    from penstock.demo.orders import PACKAGED_FILE
    from penstock.demo.progress import Progress
    from penstock.demo.session import run_demo

    report = run_demo(
        assembly=arguments.path,
        orders_file=arguments.orders or PACKAGED_FILE,
        limit=arguments.limit,
        seed=arguments.seed,
        progress=Progress(sys.stderr),
        dynamodb_endpoint=arguments.dynamodb_endpoint,
        faults=None if arguments.no_faults else arguments.faults or "planned",
    )
    if arguments.json:
        print(json.dumps(report.document(), indent=2))
    else:
        print(report.table(colour=sys.stdout.isatty()))
    return report.exit_code


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)
