"""One seed makes one world: half of them streams, a quarter standard queues, a quarter FIFO queues."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.errors import BrokenInvariant
from tests.simulation.queue_plan import QueuePlan, draw_queue_plan
from tests.simulation.queue_world import QueueWorld
from tests.simulation.stream_plan import StreamPlan, draw_stream_plan
from tests.simulation.stream_world import StreamWorld
from tests.simulation.violation import Violation

Plan = StreamPlan | QueuePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong in a world: the rule, or the exception of the core, and the story up to then."""

    rule: str
    message: str
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was seen in a world, how many inputs it had, and what went wrong, if anything."""

    seen: frozenset[str]
    steps: int
    failure: Failure | None


def draw(seed: int) -> Plan:
    """Draw the plan of a seed."""
    if seed % 4 < 2:
        return draw_stream_plan(seed)
    return draw_queue_plan(seed, fifo=seed % 4 == 3)


def play(plan: Plan, *, check_every: int = 1) -> Outcome:
    """Let a plan happen; ``check_every`` says after how many inputs the core checks itself."""
    world = _world(plan, check_every=check_every)
    failure = None
    try:
        world.run()
    except Exception as error:  # noqa: BLE001 - whatever the core raises is a finding, told with its seed
        failure = Failure(rule=_rule(error), message=f"{type(error).__name__}: {error}", story=tuple(world.story()))
    return Outcome(seen=frozenset(world.seen), steps=world.model.steps, failure=failure)


def _rule(error: Exception) -> str:
    """Give what is alike in alike failures."""
    if isinstance(error, Violation):
        return error.rule
    if isinstance(error, BrokenInvariant):
        return error.statement.partition(": ")[2]
    return type(error).__name__


def _world(plan: Plan, *, check_every: int) -> StreamWorld | QueueWorld:
    if isinstance(plan, StreamPlan):
        return StreamWorld(plan, check_every=check_every)
    return QueueWorld(plan, check_every=check_every)
