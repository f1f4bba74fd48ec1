"""Partial batches of a DynamoDB stream, in order per key.

Powertools' `BatchProcessor` goes on after a failed record, so a later change of the same key can take effect before an
earlier one. This processor has its interface and differs in what happens after a failure: records of other keys go on,
later records of the failed key are held back, and the failed record is reported. Lambda then begins again at the lowest
reported sequence number (source: "Implementing partial batch responses"), where records that had taken effect come
again. They are remembered and skipped when they come back into the same execution environment; elsewhere they take
effect again, so an effect must be one that consumers can recognize.

A record that cannot be prepared (a poison record) fails alone: its neighbours take effect before it is given up.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

Record = dict[str, Any]
Perform = Callable[[list[Any]], Sequence[Exception | None]]

REMEMBERED = 10_000
"""Event ids remembered: 100 batches of 100 records, under 2 MB."""

RESERVE_MS = 3_000
"""Time kept for the answer: with less than this left nothing new is begun, since a timeout would report no progress at
all.
Our choice: it covers one slow call."""


class HeldBack(Exception):
    """The record was not begun, since the time of the invocation is running out."""


class OrderedBatchProcessor(BatchProcessor):
    """Gives each record to the record handler, groups what it returns, and performs group by group.

    The record handler parses and decides; it returns what is to be performed, or None when there is nothing to do.
    `perform` takes up to `group_size` of these, never two of one key, and answers for each with None or the error; what
    it raises fails the whole group. Used with `process_partial_response`. A batch that fails as a whole is reported
    like any other, never raised: a raised error is retried from the first record, a report from the first that failed.
    """

    def __init__(self, *, perform: Perform, group_size: int, logger: Logger) -> None:
        super().__init__(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
        self._perform = perform
        self._group_size = group_size
        self._log = logger
        self._remembered: dict[str, None] = {}

    def process(self) -> list[tuple[Any, ...]]:
        """Process the batch; the result has one entry for each record finished or failed, none for those held back."""
        lanes: dict[str, deque[Record]] = {}
        for record in self.records:
            lanes.setdefault(_key(record), deque()).append(record)
        results: list[tuple[Any, ...]] = []
        while lanes:
            group = self._next_group(lanes, results)
            for key, error in zip(group, self._performed(list(group.values())), strict=True):
                results.append(self._failed(lanes, key, error) if error else self._finished(lanes, key))
        return results

    def _next_group(self, lanes: dict[str, deque[Record]], results: list[tuple[Any, ...]]) -> dict[str, Any]:
        """Prepare the first records of some lanes; one that cannot be prepared or has nothing to perform ends here."""
        group: dict[str, Any] = {}
        while len(group) < min(self._group_size, len(lanes)):
            key = next(key for key in lanes if key not in group)
            record = lanes[key][0]
            try:
                prepared = None if record["eventID"] in self._remembered else self.handler(DynamoDBRecord(record))
            except Exception as error:  # noqa: BLE001 - supervises record handlers: what one raises fails its record
                results.append(self._failed(lanes, key, error))
                continue
            if prepared is None:
                results.append(self._finished(lanes, key))
            else:
                group[key] = prepared
        return group

    def _performed(self, group: list[Any]) -> Sequence[Exception | None]:
        if not group:
            return []
        if self.success_messages and self.lambda_context.get_remaining_time_in_millis() < RESERVE_MS:
            return [HeldBack("not begun, the time of the invocation is running out")] * len(group)
        try:
            return self._perform(group)
        except Exception as error:  # noqa: BLE001 - as above: a call that fails whole lets other keys go on
            return [error] * len(group)

    def _finished(self, lanes: dict[str, deque[Record]], key: str) -> tuple[Any, ...]:
        record = lanes[key].popleft()
        if not lanes[key]:
            del lanes[key]
        self._remembered[record["eventID"]] = None
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return self.success_handler(record=DynamoDBRecord(record), result=None)

    def _failed(self, lanes: dict[str, deque[Record]], key: str, error: Exception) -> tuple[Any, ...]:
        """Report the first record of a lane and hold back the rest of it."""
        record = lanes.pop(key)[0]
        self._log.warning("record failed", event_id=record["eventID"], exc_info=error)
        exception = (type(error), error, error.__traceback__)
        return self.failure_handler(record=DynamoDBRecord(record), exception=exception)


def _key(record: Record) -> str:
    """Name the item of a record; a record without readable keys has a lane of its own."""
    keys = record["dynamodb"].get("Keys")
    return str(sorted(keys.items())) if isinstance(keys, dict) and keys else f"no keys: {record['eventID']}"
