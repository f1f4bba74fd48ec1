"""Plays the crash matrix and prints it: `PYTHONPATH=lambda_src python -m tests.crash`, after a synth into `cdk.out`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from penstock.template.reader import load
from tests.crash.faults import Fault
from tests.crash.fulfilment import Run, rounds
from tests.crash.matrix import cases
from tests.crash.subjects import SUBJECTS
from tests.crash.verdict import Verdict

HEAD = f"{'':18}{'':32}{'cases':>6}{'wrong':>7}{'lost':>6}{'doubled':>9}{'blocked':>9}"
FULFILMENT = "fulfilment"


def main(arguments: Sequence[str]) -> int:
    """Print the matrix, or the rows that were named."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("rows", nargs="*", help="handlers to play (default: all, and the fulfilment)")
    parser.add_argument("--app", type=Path, default=Path("cdk.out"), help="the cloud assembly (default: cdk.out)")
    parser.add_argument("--cases", action="store_true", help="print each case that is not exact")
    asked = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # moto tells of each task that fails
    template = load(asked.app, account_id="123456789012", region="eu-west-1")
    began = time.process_time()
    print(HEAD)
    total = 0
    for subject in SUBJECTS:
        for fault in Fault if subject.name in asked.rows or not asked.rows else ():
            played = list(cases(subject, template, fault))
            total += len(played)
            print(_line(subject.name, fault.value, [case.verdict for case in played]), flush=True)
            for case in played if asked.cases else ():
                if case.verdict != Verdict():
                    print(f"    {case.request}, request {case.strike.number if case.strike else 0}: {case.verdict}")
    if FULFILMENT in asked.rows or not asked.rows:
        runs = [run for played in rounds(template) for run in played if run.is_as_planned]
        total += len(runs)
        by_kind: dict[str, list[Verdict]] = {}
        for run in runs:
            by_kind.setdefault(_kind(run), []).append(run.verdict)
        for kind, verdicts in by_kind.items():
            print(_line(FULFILMENT, kind, verdicts))
    print(f"{total} cases, {time.process_time() - began:.1f} s of CPU")
    return 0


def _kind(run: Run) -> str:
    """Name a case of the fulfilment by its faults and starts."""
    faults = [fault.value for fault in run.plan.faults.values()]
    first = faults[0] if faults else "undisturbed"
    return f"{first}{', one more' * (len(faults) > 1)}, {run.plan.starts}"


def _line(name: str, what: str, verdicts: Sequence[Verdict]) -> str:
    sums = sum(verdicts, Verdict())
    counts = f"{sums.wrong:>7}{sums.lost:>6}{sums.doubled:>9}{sums.blocked:>9}"
    return f"{name:18}{what:32}{len(verdicts):>6}{counts if verdicts else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
