"""Many worlds played one after the other or side by side, and what a failing one is told by."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.shrinking import shrink
from tests.simulation.world import Outcome, Plan, draw, play

STORY_LINES = 40
"""How much of a story is told, from its end."""

_CHECK_EVERY = 64
_AT_ONCE = 25


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run saw: in how many worlds each happening, how many inputs, and which seeds failed."""

    worlds: int = 0
    steps: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, seed: int, outcome: Outcome) -> None:
        """Take in a world."""
        self.worlds += 1
        self.steps += outcome.steps
        self.counted.update(outcome.seen)
        if outcome.failure is not None:
            self.failed.append((seed, outcome.failure.rule))


def play_seed(seed: int) -> Outcome:
    """Play one seed as a long run does: the core checks itself now and then, the model checks it at every input."""
    return play(draw(seed), check_every=_CHECK_EVERY)


def play_seeds(seeds: Sequence[int], *, processes: int = 1) -> Tally:
    """Play many seeds."""
    tally = Tally()
    for seed, outcome in zip(seeds, _outcomes(seeds, processes), strict=True):
        tally.add(seed, outcome)
    return tally


def _outcomes(seeds: Sequence[int], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from map(play_seed, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(play_seed, seeds, chunksize=_AT_ONCE)


def command(seed: int) -> str:
    """Give the command that plays a seed again, from the root of the repository."""
    return f"python -m tests.simulation --seed {seed}"


def retell(plan: Plan) -> list[str]:
    """Tell a failing plan: the rule, the smallest world that breaks it, its story, and how to play it again."""
    failure = play(plan).failure
    if failure is None:
        return [f"seed {plan.seed}: nothing fails"]
    smallest = shrink(plan, failure.rule)
    last = play(smallest).failure or failure
    return [
        f"seed {plan.seed}: {failure.rule}",
        "the smallest world found that breaks the same rule:",
        *(f"  {line}" for line in smallest.lines()),
        "its story:",
        *(f"  {line}" for line in last.story[-STORY_LINES:]),
        f"  {last.message}",
        f"play it again: {command(plan.seed)}",
    ]
