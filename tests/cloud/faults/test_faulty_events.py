"""Bus events doubled and out of order."""

import asyncio
import json
from typing import Any

from penstock.cloud.bus import Bus
from penstock.cloud.faults import Faults, FaultScript
from penstock.cloud.faults.kinds import EventDelayed, EventDoubled, Fault, When
from penstock.cloud.faults.log import Strike
from penstock.template.models import Rule, RuleTarget
from tests.cloud.orders_bus import BUS, RULE
from tests.standing_clock import StandingClock


def delivered(count: int, *faults: Fault, seed: int = 3) -> tuple[list[int], list[Strike]]:
    """The numbers of so many events in the order in which their target takes them, and what struck."""
    taken: list[int] = []

    async def take(_rule: Rule, _target: RuleTarget, payload: str) -> None:
        taken.append(json.loads(payload)["detail"]["n"])

    async def bury(*_: Any) -> None:
        raise AssertionError("nothing is undeliverable here")

    async def go() -> list[Strike]:
        clock = StandingClock()
        armed = Faults(FaultScript(seed=seed, faults=faults), clock=clock, process_of=lambda _: None, key_names={})
        bus = Bus(
            account_id="123456789012",
            region="us-east-1",
            buses=[BUS],
            rules=[RULE],
            clock=clock,
            new_id=lambda: "id",
            deliver={"sqs": take},
            bury=bury,
            delays_ms=armed.events.delays_ms,
        )
        for n in range(count):
            event = {"source": "shop", "detail-type": "OrderPlaced", "time": "2026-01-01T00:00:00Z", "detail": {"n": n}}
            bus.route("orders", event)
        await asyncio.wait_for(clock.settled(), 60)
        await bus.close()
        return armed.log

    log = asyncio.run(go())
    return taken, log


def test_event_comes_in_order_and_once_without_faults() -> None:
    """The local bus alone neither reorders nor repeats."""
    assert delivered(20) == (list(range(20)), [])


def test_delayed_events_are_overtaken() -> None:
    """Nothing is lost or doubled, and the order is another."""
    taken, log = delivered(20, EventDelayed(milliseconds=500, when=When(probability=0.5)))

    assert sorted(taken) == list(range(20))
    assert taken != sorted(taken)
    assert {(strike.kind, strike.victim) for strike in log} == {("event-delayed", "Rule")}


def test_doubled_event_comes_twice() -> None:
    """Each third event comes again, later; the log has each by its text."""
    taken, log = delivered(9, EventDoubled(milliseconds=500, when=When(every=3)))

    assert sorted(taken) == sorted([*range(9), 2, 5, 8])
    assert taken[:9] == list(range(9))
    assert [json.loads(strike.text)["detail"]["n"] for strike in log] == [2, 5, 8]


def test_only_matching_events_are_hit() -> None:
    """A text of the event, or another rule, decides."""
    taken, _ = delivered(4, EventDoubled(matching='"n": 1'), EventDoubled(rule="Another"))

    assert sorted(taken) == [0, 1, 1, 2, 3]


def test_same_seed_makes_the_same_order() -> None:
    """The seed alone decides who is late by how much."""
    faults = (EventDelayed(milliseconds=10_000, when=When(probability=0.5)), EventDoubled(when=When(probability=0.3)))

    first, again, other = (delivered(30, *faults, seed=seed)[0] for seed in (1, 1, 2))

    assert first == again
    assert first != other
