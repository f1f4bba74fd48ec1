"""The soak: what it says of each seed, and when it fails."""

from typing import Any

from tests.soak import Outcome, summary

DOCUMENT: dict[str, Any] = {
    "sent": 12,
    "dead_lettered": 1,
    "faults": {"throttle": 3, "event-delayed": 4},
    "explained": [{}, {}],
    "lost": [],
    "double": [],
    "out_of_order": [],
    "unexplained": [],
}
FINE = Outcome(command="python -m penstock demo --seed 1", seconds=20, document=DOCUMENT)
DOUBLE = Outcome(command="python -m penstock demo --seed 2", seconds=20, document=DOCUMENT | {"double": [{}]})
BROKEN = Outcome(command="python -m penstock demo --seed 3", seconds=20, problem="exit code 1: no room")


def test_each_seed_has_its_line() -> None:
    """Orders, faults, and how it ended."""
    counted = "12 orders, 7 faults, 1 dead-lettered, 2 explained, 20 s"

    assert FINE.line(1) == f"seed 1: {counted}: all accounted for"
    assert DOUBLE.line(2) == f"seed 2: {counted}: NOT ACCOUNTED FOR: 1 double"
    assert BROKEN.line(3) == "seed 3: FAILED after 20 s: exit code 1: no room"


def test_failed_seeds_can_be_replayed() -> None:
    """A finding fails a seed, and so does an end without an account; the summary has their commands."""
    assert [outcome.failed for outcome in (FINE, DOUBLE, BROKEN)] == [False, True, True]
    assert summary([FINE, DOUBLE, BROKEN]) == (
        "3 seeds, 2 failed; faults: 6 throttle, 8 event-delayed\n"
        "replay: python -m penstock demo --seed 2\n"
        "replay: python -m penstock demo --seed 3"
    )
