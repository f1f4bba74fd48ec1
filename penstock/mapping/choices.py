"""What AWS does not publish, as values that can be exchanged: each default says where it comes from."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass


def doubling_backoff_ms(repeats: int) -> int:
    """Tell how long to wait before a repeat: 200 ms, doubled with each, at most a minute.

    ``repeats`` counts from 1. Source: gaps of about 0.2 and 0.4 s and about eight attempts a minute were observed on
    AWS; the ceiling is our choice.
    """
    if repeats > 9:
        return 60_000
    return int(min(200 << (repeats - 1), 60_000))


def crc32_lane(item_key: str, parallelization_factor: int) -> int:
    """Tell the lane of an item, from 0 to the factor less one; our choice, AWS's own hash is not published."""
    return zlib.crc32(item_key.encode()) % parallelization_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Injected behaviour, alike for every mapping of a run."""

    backoff_ms: Callable[[int], int] = doubling_backoff_ms
    """Wait before the n-th repeat (from 1) of the same batch, in milliseconds."""

    lane_of: Callable[[str, int], int] = crc32_lane
    """Lane of an item key under a parallelization factor."""

    window_grace_ms: int = 0
    """How long after its end the tumbling window of an idle shard is closed; our choice (AWS: up to minutes)."""

    read_limit: int = 1_000
    """Records a read asks for. Source: GetRecords, at most 1,000."""

    read_ahead_limit: int = 10_000
    """Records that the lanes of one shard may hold back together before reading pauses (factor above 1); our choice."""

    read_retry_ms: int = 250
    """Wait after a source that could not be read. Source: a shard's base rate of four polls a second."""

    event_limit_bytes: int = 6_291_456
    """Largest event of an invocation, envelope included. Source: Lambda quotas, 6 MB for synchronous invocations."""

    state_limit_bytes: int = 1_048_576
    """Largest state of a tumbling window. Source: Using Lambda with DynamoDB Streams, 1 MB per shard."""

    retention_ms: int = 86_400_000
    """Age at which a stream loses its records. Source: DynamoDB Streams, 24 hours."""

    count_drops_without_destination: bool = True
    """Whether DroppedEventCount counts where no destination is set: the guide says so, a capture shows no data."""

    queue_concurrency: int = 5
    """Batches of a queue in flight at most, MaximumConcurrency or not. Source: Lambda starts with five; ours stays."""

    empty_queue_entry_fails: bool = True
    """Whether ``{"batchItemFailures": [{}]}`` fails a queue's batch: the guide says so, one capture shows success."""

    answer_deadline_ms: int | None = None
    """When an unanswered invocation counts as not invoked and an unanswered delivery is repeated; ``None``: never.
    For shells that may lose answers; the others answer each effect."""

    story_length: int = 400
    """How many of its last steps a shard or a queue remembers for ``story()``."""


DEFAULT_CHOICES = Choices()
"""What holds where nobody chose otherwise."""
