"""Simulated worlds: no rule of event source mappings breaks, everything that can happen does, and a seed is a world."""

from __future__ import annotations

from tests.simulation.campaign import Tally, play_seed, play_seeds, retell
from tests.simulation.happenings import too_rare
from tests.simulation.world import draw, play

SEEDS = 300
"""Worlds of the continuous integration; ``make simulate`` plays more."""


def test_no_rule_breaks_in_three_hundred_worlds() -> None:
    """Every record is accounted for, in order, with exact retries, in each of them; nothing has become too rare."""
    tally = Tally()

    for seed in range(SEEDS):
        outcome = play_seed(seed)
        assert outcome.failure is None, "\n".join(retell(draw(seed)))
        tally.add(seed, outcome)
    assert too_rare(tally.worlds, tally.counted) == []


def test_a_seed_is_one_world() -> None:
    """Played twice, a seed gives the same plan and the same history."""
    for seed in range(8):
        assert draw(seed) == draw(seed)
        assert play(draw(seed)) == play(draw(seed))


def test_seeds_may_be_spread_over_processes() -> None:
    """Each is played once."""
    assert play_seeds(range(6), processes=2).worlds == 6
