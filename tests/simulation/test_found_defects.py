"""What the simulation found: each defect of the core as the smallest world that showed it."""

from __future__ import annotations

from penstock.mapping.configuration import QueueConfiguration, StreamConfiguration
from tests.simulation.queue_plan import PlannedMessage, QueuePlan
from tests.simulation.stream_plan import PATTERNS, PlannedRecord, PlannedShard, Spell, StreamPlan
from tests.simulation.world import play


def test_the_checkpoint_passes_filtered_records_after_a_switch_off() -> None:
    """A record that waits for its batching window is put back; the filtered one behind it was taken already."""
    plan = StreamPlan(
        seed=348,
        configuration=StreamConfiguration(maximum_batching_window_in_seconds=300, filters=PATTERNS["kind"]),
        filtering="kind",
        shards=(PlannedShard(),),
        records=(
            PlannedRecord(at_ms=0, shard=0, item=1, relevant=True, pad_bytes=0),
            PlannedRecord(at_ms=0, shard=0, item=2, relevant=False, pad_bytes=0),
        ),
        switches=(16_607, 29_833),
    )

    assert play(plan).failure is None


def test_a_batching_window_ends_with_its_messages() -> None:
    """What gathers behind a throttled batch loses its lease and does not come back: nothing is left to wait for."""
    plan = QueuePlan(
        seed=2762,
        configuration=QueueConfiguration(batch_size=10, maximum_batching_window_in_seconds=20),
        event_limit_bytes=500,
        queue_concurrency=1,
        maximum_receive_count=1,
        messages=tuple(PlannedMessage(at_ms=0, group=0, relevant=True) for _ in range(5)),
        spells=(Spell(what="throttled", from_ms=0, to_ms=60_000),),
    )

    assert play(plan).failure is None
