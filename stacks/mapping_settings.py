"""How one event source mapping reads: a stream, or a queue."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.function_settings import FunctionSettings
from stacks.refusal import require, require_range


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMappingSettings:
    """How one event source mapping reads the Orders stream; a limit is always finite."""

    batch_size: int
    max_batching_window_seconds: int
    parallelization_factor: int
    retry_attempts: int
    max_record_age_seconds: int

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, and limits that would let one record hold a shard for ever."""
        require_range(1, 10_000, "choose a value that Lambda offers", batch_size=self.batch_size)
        require_range(0, 300, "choose a shorter window", max_batching_window_seconds=self.max_batching_window_seconds)
        require_range(1, 10, "choose a value that Lambda offers", parallelization_factor=self.parallelization_factor)
        require_range(
            0,
            10_000,
            "give it an end, or one bad record blocks its shard until the stream forgets it",
            retry_attempts=self.retry_attempts,
        )
        require_range(
            60,
            86_400,
            "a DynamoDB stream keeps a record for 24 hours, and what it has forgotten reaches no destination",
            max_record_age_seconds=self.max_record_age_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMappingSettings:
    """How one event source mapping reads its queue, and when a message counts as dead."""

    batch_size: int
    max_batching_window_seconds: int
    max_concurrency: int
    max_receive_count: int

    def __post_init__(self) -> None:
        """Refuse what Lambda would refuse, and receive counts that throttling alone would use up."""
        require_range(1, 10_000, "choose a value that Lambda offers", batch_size=self.batch_size)
        require_range(0, 300, "choose a shorter window", max_batching_window_seconds=self.max_batching_window_seconds)
        require(
            self.batch_size <= 10 or self.max_batching_window_seconds >= 1,
            f"batch_size={self.batch_size} needs a batching window: "
            "set max_batching_window_seconds to 1 or more, or batch_size to 10 or less",
        )
        require_range(2, 1_000, "choose a value that Lambda offers", max_concurrency=self.max_concurrency)
        # Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping".
        require_range(
            5,
            1_000,
            "with less, throttled invocations alone send good messages to the dead-letter queue",
            max_receive_count=self.max_receive_count,
        )


def visibility_timeout_seconds(consumer: FunctionSettings, mapping: QueueMappingSettings) -> int:
    """How long a message stays hidden once received: until no invocation can still hold it.

    Six times the function's timeout, plus the window (Lambda developer guide, "Using Lambda with Amazon SQS").
    """
    return 6 * consumer.timeout_seconds + mapping.max_batching_window_seconds
