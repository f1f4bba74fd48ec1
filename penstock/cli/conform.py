"""replay the recorded behaviour of AWS, case by case, and say what differs.

Each file holds cases of event source mappings: filters, streams, queues, properties. A case passes when everything that
it expects happens. Exit code 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.conformance.runner import Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock conform``."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a conformance file (JSON)")
    parser.add_argument("--json", action="store_true", help="print the verdicts as one JSON object")


def main(arguments: argparse.Namespace) -> int:
    """Run every case of every file; print the failures and, last, how many passed."""
    from penstock.conformance.runner import run_files

    verdicts = list(run_files(arguments.files))
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if arguments.json:
        print(json.dumps(_as_json(verdicts), indent=2))
    else:
        for verdict in failed:
            print(f"FAILED {verdict.case_id}: {verdict.about}")
            for problem in verdict.problems:
                print(f"  {problem}")
        print(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _as_json(verdicts: list[Verdict]) -> dict[str, object]:
    failed = [verdict for verdict in verdicts if not verdict.passed]
    return {
        "passed": len(verdicts) - len(failed),
        "failed": len(failed),
        "failures": [
            {"id": verdict.case_id, "about": verdict.about, "problems": list(verdict.problems)} for verdict in failed
        ],
    }
