"""Replay the recorded behaviour of AWS, case by case, and say what differs.

Each file holds cases of event source mappings: filters, streams, queues, properties. A case passes when everything that
it expects happens. Exit code 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.arguments import add_json
from penstock.cli.fields import Fields
from penstock.terminal import Paint, Progress

if TYPE_CHECKING:
    from penstock.conformance.runner import Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the arguments of ``penstock conform``."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a conformance file (JSON)")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Run every case of every file; print the failures and, last, how many passed."""
    from penstock.conformance.runner import read_cases, run_case

    cases = [case for path in arguments.files for case in read_cases(path)]
    verdicts: list[Verdict] = []
    progress = Progress(sys.stderr)
    with progress.counting("cases replayed", len(cases)):
        for case in cases:
            verdicts.append(run_case(case))
            progress.step()
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if arguments.json:
        print(json.dumps(_as_json(verdicts), indent=2))
    else:
        paint = Paint.of(sys.stdout)
        for verdict in failed:
            print(f"{paint.bad('FAILED')} {verdict.case_id}: {verdict.about}")
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


def fields() -> Fields:
    """What the fields of ``--json`` mean."""
    return {
        "passed": "how many cases passed",
        "failed": "how many did not",
        "failures[].id": "id of a case that failed",
        "failures[].about": "what the case is about",
        "failures[].problems[]": "what was expected and what happened, a text each",
    }
