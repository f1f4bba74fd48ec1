"""Partial batches of a DynamoDB stream, in order per key.

Powertools' `BatchProcessor` goes on after a failed record, so a later change of the same key can take effect before an
earlier one. This processor has its interface and differs in what happens after a failure: records of other keys go on,
later records of the failed key are held back, and the failed record is reported. Lambda then begins again at the lowest
reported sequence number (source: "Configuring partial batch response with DynamoDB and Lambda"), where records that had
taken effect come again. They are remembered and skipped when they come back into the same execution environment;
elsewhere they take effect again, so an effect must be one that consumers can recognize.

A record that cannot be prepared or performed (a poison record) fails alone: its neighbours take effect, and since the
lowest failed record is the first of the next batch, a mapping that bisects halves until it stands alone and gives up
nothing else. Without `BisectBatchOnFunctionError` everything behind it would be given up with it.

Conditions for the order: the mapping reports batch item failures and bisects, and its parallelization factor goes by
key, as Lambda's does.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from effects.patience import RESERVE_MS

Record = dict[str, Any]
Perform = Callable[[list[Any]], Sequence[Exception | None]]

REMEMBERED = 10_000
"""Event ids remembered: 100 batches of 100 records, under 2 MB."""


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
        lanes = _Lanes(self.records)
        results: list[tuple[Any, ...]] = []
        while group := self._next_group(lanes, results):
            answers = self._performed([prepared for _, prepared in group])
            for (record, _), error in zip(group, answers, strict=True):
                results.append(self._failed(record, error) if error else self._finished(lanes, record))
        return results

    def _next_group(self, lanes: "_Lanes", results: list[tuple[Any, ...]]) -> list[tuple[Record, Any]]:
        """Prepare the earliest records of different lanes; what fails or needs nothing ends here."""
        group: list[tuple[Record, Any]] = []
        while len(group) < self._group_size and (record := lanes.take()):
            try:
                prepared = None if record["eventID"] in self._remembered else self._prepared(record)
            except Exception as error:  # noqa: BLE001 - supervises record handlers: what one raises fails its record
                results.append(self._failed(record, error))
                continue
            if prepared is None:
                results.append(self._finished(lanes, record))
            else:
                group.append((record, prepared))
        return group

    def _prepared(self, record: Record) -> Any:
        more = {"lambda_context": self.lambda_context} if self._handler_accepts_lambda_context else {}
        return self.handler(DynamoDBRecord(record), **more)

    def _performed(self, group: list[Any]) -> Sequence[Exception | None]:
        if self.success_messages and self._is_late():
            return [HeldBack("not begun, the time of the invocation is running out")] * len(group)
        try:
            return self._perform(group)
        except Exception as error:  # noqa: BLE001 - as above: a call that fails whole lets other keys go on
            return [error] * len(group)

    def _is_late(self) -> bool:
        context = getattr(self, "lambda_context", None)  # Powertools leaves it unset when it is given none
        return context is not None and context.get_remaining_time_in_millis() < RESERVE_MS

    def _finished(self, lanes: "_Lanes", record: Record) -> tuple[Any, ...]:
        lanes.go_on(record)
        self._remembered[record["eventID"]] = None
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return self.success_handler(record=DynamoDBRecord(record), result=None)

    def _failed(self, record: Record, error: Exception) -> tuple[Any, ...]:
        """Report a record; its lane is not gone on with, which holds back the rest of it."""
        self._log.warning("record failed", event_id=record["eventID"], exc_info=error)
        exception = (type(error), error, error.__traceback__)
        return self.failure_handler(record=DynamoDBRecord(record), exception=exception)


class _Lanes:
    """The records of a batch, a lane for each key; of the lanes that may go on, the earliest record is next.

    Earliest first, so that what is held back at the end of the time lies behind what took effect.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._lanes: dict[str, deque[tuple[int, Record]]] = {}
        for position, record in enumerate(records):
            self._lanes.setdefault(_key(record), deque()).append((position, record))
        self._next = [(lane[0][0], key) for key, lane in self._lanes.items()]

    def take(self) -> Record | None:
        """Take the next record; its lane waits until it is told to go on."""
        if not self._next:
            return None
        _, key = heapq.heappop(self._next)
        return self._lanes[key].popleft()[1]

    def go_on(self, record: Record) -> None:
        """Let the lane of a record go on."""
        key = _key(record)
        if self._lanes[key]:
            heapq.heappush(self._next, (self._lanes[key][0][0], key))


def _key(record: Record) -> str:
    """Name the item of a record; a record without readable keys has a lane of its own."""
    keys = record["dynamodb"].get("Keys")
    return str(sorted(keys.items())) if isinstance(keys, dict) and keys else f"no keys: {record['eventID']}"
