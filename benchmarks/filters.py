"""Filters: matches a second by our matcher and by its peers, side by side.

`python -m benchmarks.filters [--cases FILE] [--rounds N] [--seconds S]`. Every valid case of the conformance file is
one match of one pattern against one parsed record; compiling is not measured. Records with an array on a path of the
pattern are reported apart. In each round the contestants measure each case in turn, one straight after the other; the
best of the rounds counts. Figures are geometric means over cases, ratios too, taken over the cases that the peer gets
right (MiniStack) or can do at all (the others). Peers that are not installed are passed over: see
`benchmarks/peers.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS, interpreter_of

ROOT = Path(__file__).parent.parent
GOALS = {"localstack": "goal 20", "moto": "goal 40", "ministack": "goal above 1"}


class Contestant:
    """A matcher in a process of its own."""

    def __init__(self, name: str, interpreter: Path, cases: Sequence[dict[str, Any]]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [str(interpreter), str(Path(__file__).with_name("filter_worker.py")), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)} if name == "penstock" else {},
        )
        answers = self._ask(json.dumps(cases))
        self.right = [answer is case["expect"] for answer, case in zip(answers, cases, strict=True)]
        self.best: list[float | None] = [None] * len(cases)

    def measure(self, index: int, seconds: float) -> None:
        """Measure a case once more."""
        best, measured = self.best[index], self._ask(f"{index} {seconds}")
        self.best[index] = measured if best is None else min(best, measured)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)

    def _ask(self, line: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def valid_cases(file: Path) -> list[dict[str, Any]]:
    """Read the cases that have a record: text, source, record, expect, and whether an array is on the way."""
    cases = []
    for case in json.loads(file.read_text())["cases"]:
        if case["expect"] != "invalid":
            text = case["pattern_text"] if "pattern_text" in case else json.dumps(case["pattern"])
            kept = {key: case[key] for key in ("id", "source", "record", "expect")}
            cases.append({**kept, "text": text, "arrays": _meets_an_array(json.loads(text), case)})
    return cases


def _meets_an_array(pattern: dict[str, Any], case: dict[str, Any]) -> bool:
    """Tell whether an array stands on one of the pattern's paths in the record."""
    paths = set(_paths(pattern, ""))
    record = dict(case["record"])
    if case["source"] == "sqs" and record["body"].startswith("{"):
        record["body"] = json.loads(record["body"]) if record["body"].endswith("}") else None
    return any(path == array or path.startswith(f"{array}.") for array in _arrays(record, "") for path in paths)


def _paths(pattern: dict[str, Any], prefix: str) -> Iterator[str]:
    """Flatten a pattern to its paths."""
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list):
            for branch in value:
                yield from _paths(branch, prefix)
        elif isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def _arrays(value: Any, name: str) -> Iterator[str]:
    """List the paths of the arrays in a record."""
    if isinstance(value, list):
        yield name
        for element in value:
            yield from _arrays(element, name)
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _arrays(below, f"{name}.{key}" if name else key)


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of rates and ratios."""
    return exp(sum(map(log, values)) / len(values))


def report(contestants: Sequence[Contestant], cases: Sequence[dict[str, Any]]) -> None:
    """Print one table for records without arrays, one for those with, and one for all."""
    kinds = {"records without arrays": (False,), "records with arrays": (True,), "all records": (False, True)}
    for kind, wanted in kinds.items():
        indices = [index for index, case in enumerate(cases) if case["arrays"] in wanted]
        print(f"\nfilters, {kind}: {len(indices)} cases")
        print(f"{'':12}{'matches/s':>12}{'right':>8}   penstock is")
        for contestant in contestants:
            print(_line(contestant, contestants[0], indices))


def _line(contestant: Contestant, ours: Contestant, indices: Sequence[int]) -> str:
    """Write one contestant's figures, and ours as a multiple of them."""
    rates = [1 / seconds for index in indices if (seconds := contestant.best[index]) is not None]
    right = sum(contestant.right[index] for index in indices)
    line = f"{contestant.name:12}{geometric_mean(rates):12,.0f}{right:8}"
    if contestant is ours:
        return line
    only_right = contestant.name == "ministack"
    ratios = [
        theirs / own
        for index in indices
        if (theirs := contestant.best[index]) is not None
        and (own := ours.best[index]) is not None
        and (contestant.right[index] or not only_right)
    ]
    over = f"{len(ratios)} cases{' that it gets right' if only_right else ''}"
    mean, least = geometric_mean(ratios), min(ratios)
    return f"{line}   {mean:.1f} times as fast, {least:.1f} at the least ({GOALS[contestant.name]}; {over})"


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cases", type=Path, default=ROOT / "tests" / "conformance" / "filters.json")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=0.002, help="a case, a contestant, a round")
    given = arguments.parse_args()
    cases = valid_cases(given.cases)
    interpreters = {"penstock": Path(sys.executable), "moto": Path(sys.executable)}
    for peer in PEERS:
        if interpreter_of(peer).exists():
            interpreters[peer] = interpreter_of(peer)
        else:
            print(f"{peer} is not installed: python -m benchmarks.peers {peer}")
    contestants = [Contestant(name, interpreter, cases) for name, interpreter in interpreters.items()]
    for _ in range(given.rounds):
        for index in range(len(cases)):
            for contestant in contestants:
                contestant.measure(index, given.seconds)
    report(contestants, cases)
    for contestant in contestants:
        contestant.close()


if __name__ == "__main__":
    main()
