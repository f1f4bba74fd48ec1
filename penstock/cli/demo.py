"""Send real orders through the application, break things on purpose, and account for every order."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from penstock import JOURNAL
from penstock.cli.arguments import add_dynamodb_endpoint, add_json, add_path, whole_number
from penstock.cli.fields import Fields
from penstock.terminal import Paint, Progress

DEFAULT_SEED = 1
"""The same world at each run; another seed, another world."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define what the subcommand takes."""
    add_path(parser)
    parser.add_argument(
        "--orders", metavar="FILE", type=Path, help="a CSV file of invoices (default: the one that comes along)"
    )
    parser.add_argument(
        "--limit", metavar="N", type=whole_number(1), help="send only the first N invoices (default: all)"
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=DEFAULT_SEED,
        help="seed of ids and of the demo's own faults; a fault script has its own (default: %(default)s)",
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--no-faults", action="store_true", help="let nothing go wrong on purpose")
    faults.add_argument(
        "--faults", metavar="FILE", type=Path, help="a fault script in place of the demo's own (docs/local-run.md)"
    )
    add_dynamodb_endpoint(parser)
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when all is accounted for, 1 when not, 2 when nothing could be sent."""
    from penstock.demo.orders import PACKAGED_FILE
    from penstock.demo.session import run_demo

    report = run_demo(
        assembly=arguments.path,
        orders_file=arguments.orders or PACKAGED_FILE,
        limit=arguments.limit,
        seed=arguments.seed,
        progress=Progress(sys.stderr, quiet_seconds=0),
        dynamodb_endpoint=arguments.dynamodb_endpoint,
        faults=None if arguments.no_faults else arguments.faults or "planned",
        journal=JOURNAL,
    )
    if arguments.json:
        print(json.dumps(report.document(), indent=2))
    else:
        print(report.table(Paint.of(sys.stdout)))
    return report.exit_code


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    from penstock.demo.report import FIELDS

    return FIELDS
