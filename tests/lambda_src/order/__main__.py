"""Plays histories of the chain.

``python -m tests.lambda_src.order --seeds 10000 --processes 2`` plays the seeds from 0, prints how often everything
happened, and fails at a broken rule or where something never happens. ``--seed 17`` plays one again. ``lambda_src`` has
to be on the path.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.lambda_src.order.campaign import EXPECTED, play_seeds


def main(arguments: Sequence[str]) -> int:
    """Play what was asked for; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lambda_src.order", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed alone")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds to play (default: 1000)")
    parser.add_argument("--processes", type=int, default=1, help="processes to play them in (default: 1)")
    asked = parser.parse_args(arguments)
    seeds = range(asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    began = time.perf_counter()
    seen, failed = play_seeds(seeds, processes=asked.processes)
    missing = sorted(EXPECTED - set(seen)) if asked.seed is None else []
    for name, times in sorted(seen.items()):
        print(f"{times:10d}  {name}")
    print(f"{len(seeds)} histories, {time.perf_counter() - began:.1f} s, {len(failed)} failed")
    for seed, rule in failed:
        print(f"{rule}: PYTHONPATH=lambda_src python -m tests.lambda_src.order --seed {seed}")
    for name in missing:
        print(f"never happened: {name}")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
