"""A record of a simulated world and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.mapping.inputs import StreamRecord
from tests.simulation.stream_plan import PlannedRecord

FIRST_SEQUENCE_NUMBER = 100_000_000_000_000_000_001

Fate = Literal["processed", "delivered", "refused", "dropped", "expired", "filtered", "skipped", "trimmed"]
"""How a record ends: handed over and done; taken or refused by the destination; given up where there is none; lost to
retention after it was read; dropped by the filters; before the starting position; lost to retention unread."""


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """A record, what the world knows of it, and its fate once it has one.

    ``relevant`` says whether it passes the filters, ``previous`` is the change of the same item before it, in whatever
    shard; ``lane`` is set when it is read, ``holder`` is the invocation that it is in, ``trimmed`` says that the stream
    lost it. ``failures`` is how many calls it makes fail yet, ``reports`` whether every other of them by a report.
    """

    record: StreamRecord
    index: int
    shard_id: str
    at_ms: int
    created_at_ms: int
    encoded_bytes: int
    item: int
    relevant: bool
    previous: Entry | None
    failures: int = 0
    reports: bool = False
    lane: int = -1
    read: bool = False
    trimmed: bool = False
    holder: str | None = None
    fate: Fate | None = None


def write(
    planned: PlannedRecord, *, index: int, shard_id: str, at_ms: int, previous: Entry | None, filtered: bool
) -> Entry:
    """Make the record of a planned write; ``filtered`` says whether the mapping has filters."""
    sequence_number = str(FIRST_SEQUENCE_NUMBER + index)
    name, kind = ("MODIFY", "wanted") if planned.relevant else ("REMOVE", "other")
    pad = "x" * planned.pad_bytes
    encoded = (
        f'{{"eventName":"{name}","dynamodb":{{"SequenceNumber":"{sequence_number}",'
        f'"NewImage":{{"kind":{{"S":"{kind}"}}}}}},"pad":"{pad}"}}'
    )
    record = StreamRecord(
        sequence_number=sequence_number,
        item_key=f"item-{planned.item}",
        created_at_ms=at_ms - planned.skew_ms,
        body={
            "eventName": name,
            "dynamodb": {"SequenceNumber": sequence_number, "NewImage": {"kind": {"S": kind}}},
            "pad": pad,
        },
        encoded=encoded,
        encoded_bytes=len(encoded),
    )
    return Entry(
        record=record,
        index=index,
        shard_id=shard_id,
        at_ms=at_ms,
        created_at_ms=record.created_at_ms,
        encoded_bytes=len(encoded),
        item=planned.item,
        relevant=planned.relevant or not filtered,
        previous=previous,
        failures=planned.failures,
        reports=planned.reports,
    )
