"""The core of a stream mapping in virtual time: records a second that it decides about.

`python -m benchmarks.mapping_core [--records N] [--rounds N]`. One shard, batch size 100, no filter, no failure, factor
1: reads are answered at once with as many records as were asked for, each invocation returns a millisecond of virtual
time later. Nothing waits and nothing is done but the core's own work; beside it, the same with the event of each
invocation put together as the shell does. The best of the rounds counts.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from penstock.mapping.configuration import StreamConfiguration
from penstock.mapping.effects import InvokeFunction, ReadRecords, StreamEffect
from penstock.mapping.event import encode_event
from penstock.mapping.inputs import (
    InvocationEnded,
    MappingEnabled,
    RecordsRead,
    Returned,
    Shard,
    ShardsDiscovered,
    StreamRecord,
)
from penstock.mapping.stream import StreamMapping

BATCH_SIZE = 100
GOAL = 200_000
STREAM_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/Measured/stream/2026-01-01T00:00:00.000"
FIRST_SEQUENCE_NUMBER = 100_000_000_000_000_000_001
STARTED_AT_MS = 1_767_225_600_000


def records_of_a_shard(count: int) -> list[StreamRecord]:
    """Make records as a table with small items writes them, one for each item."""
    records = []
    for number in range(count):
        sequence_number = str(FIRST_SEQUENCE_NUMBER + number)
        keys = {"id": {"S": f"item-{number}"}}
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": STARTED_AT_MS / 1000,
            "Keys": keys,
            "NewImage": {**keys, "number": {"N": str(number)}, "text": {"S": "x" * 100}},
            "SequenceNumber": sequence_number,
            "SizeBytes": 160,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        body = {
            "eventID": f"{number:032x}",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": change,
            "eventSourceARN": STREAM_ARN,
        }
        encoded = json.dumps(body, separators=(",", ":"))
        records.append(
            StreamRecord(
                sequence_number=sequence_number,
                item_key=json.dumps(keys),
                created_at_ms=STARTED_AT_MS,
                body=body,
                encoded=encoded,
                encoded_bytes=len(encoded),
            )
        )
    return records


def seconds_to_pass(records: Sequence[StreamRecord], *, encoding: bool) -> float:
    """Let a new mapping handle all records of a shard, and tell how long it took."""
    numbers = itertools.count(1)
    mapping = StreamMapping(
        StreamConfiguration(batch_size=BATCH_SIZE),
        uuid="mapping",
        function_arn="arn:aws:lambda:eu-west-1:123456789012:function:measured",
        event_source_arn=STREAM_ARN,
        ids=lambda: f"request-{next(numbers)}",
    )
    now_ms = STARTED_AT_MS
    read = handled = 0
    todo: deque[StreamEffect] = deque()
    begun = perf_counter()
    todo += mapping.handle(ShardsDiscovered(shards=(Shard(shard_id="shard"),)), now_ms=now_ms)
    todo += mapping.handle(MappingEnabled(), now_ms=now_ms)
    while todo:
        effect = todo.popleft()
        match effect:
            case ReadRecords():
                found = tuple(records[read : read + effect.limit])
                read += len(found)
                if found:
                    todo += mapping.handle(RecordsRead(read_id=effect.read_id, records=found), now_ms=now_ms)
            case InvokeFunction():
                if encoding:
                    encode_event(effect.records, effect.extras).encode()
                handled += len(effect.records)
                now_ms += 1
                ended = InvocationEnded(invocation_id=effect.invocation_id, outcome=Returned(payload=None))
                todo += mapping.handle(ended, now_ms=now_ms)
            case _:
                pass
    took = perf_counter() - begun
    assert handled == len(records)
    return took


def main() -> None:
    """Run the benchmark."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    records = records_of_a_shard(given.records)
    print(f"\ncore of a mapping, batch size {BATCH_SIZE}: {given.records:,} records, the best of {given.rounds} rounds")
    for encoding, title in ((False, "decisions alone"), (True, "and events put together")):
        rate = given.records / min(seconds_to_pass(records, encoding=encoding) for _ in range(given.rounds))
        print(f"{title:40}{rate:12,.0f} records/s   {rate / GOAL:.1f} times the goal of {GOAL:,}")


if __name__ == "__main__":
    main()
