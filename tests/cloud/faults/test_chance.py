"""Which occurrences a fault hits."""

from itertools import product

import pytest

from penstock.cloud.faults.chance import Chance
from penstock.cloud.faults.kinds import When


def hits(when: When, count: int = 12, *, seed: int = 1, place: int = 0) -> list[int]:
    """Which of so many occurrences about the same thing are hit, from 1."""
    chance = Chance(seed=seed, place=place, when=when)
    return [n for n in range(1, count + 1) if chance.strikes("item")]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When(until=3), [1, 2, 3]),
        (When(nth=4), [4]),
        (When(every=5), [5, 10]),
        (When(every=2, until=3), [2, 4, 6]),
        (When(first=2), [1, 2]),
        (When(probability=1, until=2), [1, 2]),
    ],
)
def test_counted_occurrences_are_hit(when: When, expected: list[int]) -> None:
    """Counting is exact, and `until` ends it."""
    assert hits(when) == expected


def test_probability_hits_about_as_often_as_it_says() -> None:
    """A fifth of 5,000 occurrences, give or take three standard deviations, for each of several seeds."""
    counts = {seed: len(hits(When(probability=0.2), 5_000, seed=seed)) for seed in range(5)}

    assert all(915 <= count <= 1085 for count in counts.values()), counts
    assert len(set(counts.values())) > 1


def test_draw_depends_on_seed_fault_and_subject_alone() -> None:
    """In whatever order the items come, the same ones are hit; other seeds and other faults hit others."""
    items = [f"item {n}" for n in range(200)]

    def hit(order: list[str], seed: int = 1, place: int = 0) -> set[str]:
        chance = Chance(seed=seed, place=place, when=When(probability=0.3))
        return {item for item in order if chance.strikes(item)}

    worlds = [hit(items, seed, place) for seed, place in product((1, 2), (0, 1))]

    assert hit(items[::-1]) == hit(items)
    assert len({frozenset(world) for world in worlds}) == 4
