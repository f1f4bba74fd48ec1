"""Partial batches of a standard queue: Powertools' processor, with every failure in the log."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, ExceptionInfo, FailureResponse


class QueueBatchProcessor(BatchProcessor):
    """Gives each message to the record handler; a failed one goes back to the queue alone.

    A batch that fails as a whole is reported like any other, not raised: the messages come back either way, and a
    function error would raise an alarm meant for faults of the function.
    """

    def __init__(self, *, logger: Logger) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)
        self._log = logger

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        """Log a failed message by its id, never its body, which may hold personal data."""
        self._log.warning("message failed", message_id=record.message_id, exc_info=exception[1])
        return super().failure_handler(record=record, exception=exception)
