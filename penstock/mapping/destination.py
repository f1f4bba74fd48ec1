"""The on-failure record: what a destination is told about records that were given up.

Rules (recorded on AWS in November 2025, key order included; Retaining discarded batch records):

* a queue and a topic get the record without the data, a bucket also ``payload``: the whole event as JSON *text*;
* ``responseContext`` is left out where the function did not answer: the record is too old, the payload was refused;
* ``approximateInvokeCount`` is the calls made; a record that is too old counts one more (seen: 1 without a call);
* arrival times are whole seconds, ``timestamp`` has milliseconds and gives the object key its date and time;
* the failed final call of a tumbling window has no records: its ``DDBStreamBatchInfo`` names shard and stream alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from penstock.mapping.event import encode_event, encode_json
from penstock.mapping.inputs import FunctionError, Returned, StreamRecord
from penstock.mapping.windows import iso_seconds

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
DestinationKind = Literal["sqs", "sns", "s3"]


def destination_kind(arn: str) -> DestinationKind:
    """Tell what a destination is by its ARN."""
    service = arn.split(":")[2]
    if service == "sns":
        return "sns"
    return "s3" if service == "s3" else "sqs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Records that were given up together (none for a final call), and why."""

    condition: Condition
    request_id: str
    invoke_count: int
    records: tuple[StreamRecord, ...]
    answered: Returned | FunctionError | None
    extras: Mapping[str, Any]
    time_window_info: Mapping[str, Any] | None


def iso_milliseconds(at_ms: int) -> str:
    """Give an instant as ``YYYY-MM-DDTHH:MM:SS.mmmZ``."""
    return f"{iso_seconds(at_ms)[:-1]}.{at_ms % 1_000:03d}Z"


def object_key(*, mapping_uuid: str, shard_id: str, at_ms: int, random_id: str) -> str:
    """Give the key of an on-failure record in a bucket."""
    at = datetime.fromtimestamp(at_ms // 1_000, tz=UTC)
    return (
        f"aws/lambda/{mapping_uuid}/{shard_id}/{at.strftime('%Y/%m/%d')}/{at.strftime('%Y-%m-%dT%H.%M.%S')}-{random_id}"
    )


def on_failure_record(
    discard: Discard, *, function_arn: str, shard_id: str, stream_arn: str, at_ms: int, with_payload: bool
) -> str:
    """Give the on-failure record as JSON text."""
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": discard.request_id,
            "functionArn": function_arn,
            "condition": discard.condition,
            "approximateInvokeCount": discard.invoke_count,
        }
    }
    answered = discard.answered
    if answered is not None:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": answered.executed_version,
            "functionError": answered.kind if isinstance(answered, FunctionError) else None,
        }
    document["version"] = "1.0"
    document["timestamp"] = iso_milliseconds(at_ms)
    document["DDBStreamBatchInfo"] = _batch_info(discard.records, shard_id=shard_id, stream_arn=stream_arn)
    if discard.time_window_info is not None:
        document["timeWindowInfo"] = discard.time_window_info
    if with_payload:
        document["payload"] = encode_event(discard.records, discard.extras)
    return encode_json(document)


def _batch_info(records: tuple[StreamRecord, ...], *, shard_id: str, stream_arn: str) -> dict[str, Any]:
    if not records:
        return {"shardId": shard_id, "streamArn": stream_arn}
    return {
        "shardId": shard_id,
        "startSequenceNumber": records[0].sequence_number,
        "endSequenceNumber": records[-1].sequence_number,
        "approximateArrivalOfFirstRecord": iso_seconds(records[0].created_at_ms),
        "approximateArrivalOfLastRecord": iso_seconds(records[-1].created_at_ms),
        "batchSize": len(records),
        "streamArn": stream_arn,
    }
