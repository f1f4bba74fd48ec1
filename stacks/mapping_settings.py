"""How one event source mapping reads: a stream, or a queue."""

from __future__ import annotations

from dataclasses import dataclass

from stacks.function_settings import FunctionSettings
from stacks.refusal import require


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
        require(
            1 <= self.batch_size <= 10_000,
            f"batch_size must be 1 to 10000 for a stream, not {self.batch_size}: choose a value that Lambda offers",
        )
        require(
            0 <= self.max_batching_window_seconds <= 300,
            f"max_batching_window_seconds must be 0 to 300, not {self.max_batching_window_seconds}: "
            "choose a shorter window",
        )
        require(
            1 <= self.parallelization_factor <= 10,
            f"parallelization_factor must be 1 to 10, not {self.parallelization_factor}: "
            "choose a value that Lambda offers",
        )
        require(
            0 <= self.retry_attempts <= 10_000,
            f"retry_attempts must be 0 to 10000, not {self.retry_attempts}: "
            "give it an end, or one bad record blocks its shard until the stream forgets it",
        )
        require(
            60 <= self.max_record_age_seconds <= 86_400,
            f"max_record_age_seconds must be 60 to 86400, not {self.max_record_age_seconds}: "
            "a DynamoDB stream keeps a record for 24 hours, and what it has forgotten reaches no destination",
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
        require(
            1 <= self.batch_size <= 10_000,
            f"batch_size must be 1 to 10000 for a queue, not {self.batch_size}: choose a value that Lambda offers",
        )
        require(
            0 <= self.max_batching_window_seconds <= 300,
            f"max_batching_window_seconds must be 0 to 300, not {self.max_batching_window_seconds}: "
            "choose a shorter window",
        )
        require(
            self.batch_size <= 10 or self.max_batching_window_seconds >= 1,
            f"batch_size={self.batch_size} needs a batching window: "
            "set max_batching_window_seconds to 1 or more, or batch_size to 10 or less",
        )
        require(
            2 <= self.max_concurrency <= 1_000,
            f"max_concurrency must be 2 to 1000, not {self.max_concurrency}: choose a value that Lambda offers",
        )
        # Lambda developer guide, "Creating and configuring an Amazon SQS event source mapping".
        require(
            5 <= self.max_receive_count <= 1_000,
            f"max_receive_count must be 5 to 1000, not {self.max_receive_count}: "
            "with less, throttled invocations alone send good messages to the dead-letter queue",
        )


def visibility_timeout_seconds(consumer: FunctionSettings, mapping: QueueMappingSettings) -> int:
    """How long a message stays hidden once received: until no invocation can still hold it.

    Six times the function's timeout, plus the window (Lambda developer guide, "Using Lambda with Amazon SQS").
    """
    return 6 * consumer.timeout_seconds + mapping.max_batching_window_seconds
