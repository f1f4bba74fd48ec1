"""The demo with faults on many seeds, one after another: ``python -m tests.soak --seeds 20``.

Each seed is a run of ``penstock demo`` in a process of its own and prints one line. Exit code 1 when a seed ended with
anything lost, double, out of order or unexplained, or did not end at all; its command is printed to replay it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WRONG = ("lost", "double", "out_of_order", "unexplained")
END_SECONDS = 900
"""How long one seed may take; our choice, many times what 310 orders need on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one seed ended: the demo's document, or why there is none."""

    command: str
    seconds: float
    document: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def wrong(self) -> dict[str, int]:
        """Kind of finding → how many, of those that fail a run."""
        return {name: len(self.document[name]) for name in WRONG if self.document.get(name)}

    @property
    def failed(self) -> bool:
        """Whether the seed has to be replayed."""
        return bool(self.problem or self.wrong)

    def line(self, seed: int) -> str:
        """The one line of a seed."""
        if self.problem:
            return f"seed {seed}: FAILED after {self.seconds:.0f} s: {self.problem}"
        document = self.document
        struck = sum(document["faults"].values())
        what = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.wrong.items())
        verdict = f"NOT ACCOUNTED FOR: {what}" if what else "all accounted for"
        return (
            f"seed {seed}: {document['sent']} orders, {struck} faults, {document['dead_lettered']} dead-lettered, "
            f"{len(document['explained'])} explained, {self.seconds:.0f} s: {verdict}"
        )


def play(seed: int, *, limit: int | None) -> Outcome:
    """Run the demo with one seed."""
    arguments = ["-m", "penstock", "demo", "--seed", str(seed), *(["--limit", str(limit)] if limit else [])]
    command = " ".join(["python", *arguments])
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, *arguments, "--json"], capture_output=True, text=True, check=False, timeout=END_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Outcome(command=command, seconds=END_SECONDS, problem=f"no end after {END_SECONDS} s")
    seconds = time.monotonic() - began
    try:
        return Outcome(command=command, seconds=seconds, document=json.loads(ended.stdout))
    except ValueError:
        said = ended.stderr.strip().splitlines() or ["nothing was said"]
        return Outcome(command=command, seconds=seconds, problem=f"exit code {ended.returncode}: {said[-1]}")


def summary(outcomes: Sequence[Outcome]) -> str:
    """What all seeds came to, and how to replay those that failed."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    struck: Counter[str] = Counter()
    for outcome in outcomes:
        struck.update(outcome.document.get("faults", {}))
    lines = [f"{len(outcomes)} seeds, {len(failed)} failed; faults: {', '.join(f'{n} {k}' for k, n in struck.items())}"]
    return "\n".join([*lines, *(f"replay: {outcome.command}" for outcome in failed)])


def main() -> int:
    """Play the seeds from ``--first`` on; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (default: 20)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default: 1)")
    parser.add_argument("--limit", type=int, help="send only so many orders (default: all)")
    arguments = parser.parse_args()
    outcomes = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        outcomes.append(play(seed, limit=arguments.limit))
        print(outcomes[-1].line(seed), flush=True)
        if outcomes[-1].failed:
            print(f"  replay: {outcomes[-1].command}", flush=True)
    print(summary(outcomes))
    return int(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
