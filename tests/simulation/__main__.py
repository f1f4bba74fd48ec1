"""Plays simulated worlds: many to look for a defect, or one again.

``python -m tests.simulation --seeds 10000 --processes 2`` plays the seeds from 0, prints how often everything happened,
and fails at a broken rule or where something hardly ever happens. ``python -m tests.simulation --seed 17`` plays one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.campaign import command, play_seeds, retell
from tests.simulation.happenings import table, too_rare
from tests.simulation.world import draw, play

ENOUGH_SEEDS = 100
"""Fewer worlds say nothing about what is rare."""

FAILURES_TOLD = 3
"""How many failing worlds are shrunk and told; the others are named."""


def _tell(lines: Sequence[str]) -> None:
    if lines:
        print("\n".join(lines), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Play what was asked for; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed alone, and tell its story")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds to play (default: 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--processes", type=int, default=1, help="processes to play them in (default: 1)")
    asked = parser.parse_args(arguments)
    if asked.seed is not None:
        return _play_again(asked.seed)
    began = time.perf_counter()
    tally = play_seeds(range(asked.first, asked.first + asked.seeds), processes=asked.processes)
    took = time.perf_counter() - began
    _tell(table(tally.worlds, tally.counted))
    pace = tally.worlds / took
    _tell(
        [f"{tally.worlds} worlds, {tally.steps} inputs, {took:.1f} s, {pace:.0f} worlds/s, {len(tally.failed)} failed"]
    )
    for seed, _ in tally.failed[:FAILURES_TOLD]:
        _tell(["", *retell(draw(seed))])
    _tell([f"failed too: {command(seed)}  # {rule}" for seed, rule in tally.failed[FAILURES_TOLD:]])
    rare = too_rare(tally.worlds, tally.counted) if tally.worlds >= ENOUGH_SEEDS and not tally.failed else []
    _tell([f"happens in less than 1 % of the worlds, or is not in the table: {happening}" for happening in rare])
    return 1 if tally.failed or rare else 0


def _play_again(seed: int) -> int:
    plan = draw(seed)
    outcome = play(plan)
    if outcome.failure is not None:
        _tell(retell(plan))
        return 1
    _tell(
        [
            *plan.lines()[:20],
            f"{outcome.steps} inputs, nothing fails; seen:",
            *sorted(f"  {one}" for one in outcome.seen),
        ]
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
