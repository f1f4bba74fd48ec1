"""How long an event source mapping may work on one bad record of a stream.

The shard waits meanwhile, and the records behind it grow old. With batch size B, retry attempts R, timeout T and
back-off b(n) before the n-th repetition, each call taking as long as it may:

    bisecting    2 × ⌈log2 B⌉ × T     each failed batch is split at once: two calls a level, no attempt used
    retrying     (R + 1) × T          the record alone; without bisect the whole batch
    backing off  b(1) + … + b(R)      b(n) = min(0.2 × 2^(n-1), 60) seconds

Each further bad record of the same batch costs the last two lines again. Source: Lambda developer guide, "Retain
discarded batches for a DynamoDB event source" and "How Lambda processes records from stream and queue-based event
sources"; AWS does not publish the back-off, the first values are observed, the doubling and its end are our choice.
"""

from __future__ import annotations

from stacks.mapping_settings import StreamMappingSettings

_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 60.0
_DOUBLINGS = 9  # 0.2 to 51.2 seconds


def worst_retry_seconds(settings: StreamMappingSettings, *, timeout_seconds: int, bisect_batch_on_error: bool) -> int:
    """Seconds from the first call with one bad record to its end at the on-failure destination, rounded up."""
    levels = (settings.batch_size - 1).bit_length() if bisect_batch_on_error else 0
    calls = 2 * levels + settings.retry_attempts + 1
    return -int(-(calls * timeout_seconds + backoff_seconds(settings.retry_attempts)) // 1)


def backoff_seconds(retry_attempts: int) -> float:
    """Seconds of waiting between the calls of one batch that is tried again so often."""
    doubled = min(retry_attempts, _DOUBLINGS)
    return _FIRST_BACKOFF_SECONDS * ((1 << doubled) - 1) + _LONGEST_BACKOFF_SECONDS * (retry_attempts - doubled)
