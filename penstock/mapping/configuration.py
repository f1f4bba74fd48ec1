"""What a mapping was told to do: the properties of ``AWS::Lambda::EventSourceMapping`` in snake case.

CloudFormation's ``-1`` is ``None`` here. Ranges and combinations are judged before (``penstock.mapping.validation``);
the core takes what it is given. Source: AWS::Lambda::EventSourceMapping, AWS CloudFormation Template Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfiguration:
    """A mapping of a DynamoDB stream.

    ``filters`` are pattern JSON texts, of which one must match; ``on_failure_destination`` is the ARN of a queue, a
    topic or a bucket. ``enabled`` is the state that the mapping is created in; the shell says so by ``MappingEnabled``.
    """

    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    parallelization_factor: int = 1
    maximum_retry_attempts: int | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool = False
    tumbling_window_in_seconds: int = 0
    function_response_types: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    on_failure_destination: str | None = None
    metrics: tuple[str, ...] = ()
    enabled: bool = True

    @property
    def reports_batch_item_failures(self) -> bool:
        """Whether answers are read for the records that failed."""
        return "ReportBatchItemFailures" in self.function_response_types

    @property
    def counts_events(self) -> bool:
        """Whether the EventCount metrics were asked for."""
        return "EventCount" in self.metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueConfiguration:
    """A mapping of an SQS queue, with what the core must know of that queue and of the function.

    ``visibility_timeout_seconds`` and ``fifo`` are the queue's, ``function_timeout_seconds`` the function's.
    ``maximum_concurrency`` is ``ScalingConfig.MaximumConcurrency``.
    """

    batch_size: int = 10
    maximum_batching_window_in_seconds: int = 0
    function_response_types: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    maximum_concurrency: int | None = None
    metrics: tuple[str, ...] = ()
    enabled: bool = True
    fifo: bool = False
    visibility_timeout_seconds: int = 30
    function_timeout_seconds: int = 3

    @property
    def reports_batch_item_failures(self) -> bool:
        """Whether answers are read for the messages that failed."""
        return "ReportBatchItemFailures" in self.function_response_types

    @property
    def counts_events(self) -> bool:
        """Whether the EventCount metrics were asked for."""
        return "EventCount" in self.metrics

    @property
    def effective_visibility_timeout_seconds(self) -> int:
        """How long a received message stays hidden.

        Source: Using Lambda with Amazon SQS, "Configuring a queue": where batching window and function timeout
        together exceed the queue's visibility timeout, Lambda waits for both and 30 seconds more.
        """
        needed = self.maximum_batching_window_in_seconds + self.function_timeout_seconds
        if self.maximum_batching_window_in_seconds > 0 and needed > self.visibility_timeout_seconds:
            return needed + 30
        return self.visibility_timeout_seconds
