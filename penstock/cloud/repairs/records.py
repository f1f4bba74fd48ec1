"""Stream records as the service writes them, read through shard iterators that stay valid.

moto's own records carry another region, version and size, and one is written for each write, whether or not it changed
anything; its iterators hold on to a table that may have been replaced, and give as many records as are asked for.

Source: DynamoDB Streams API reference (GetShardIterator, GetRecords: 1,000 records or 1 MB; an iterator is valid for
15 minutes).
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from penstock.cloud.repairs.definition import NowMs, Patch, Repair, instead
from penstock.cloud.streams import Stream, attach

RECORDS_LIMIT = 1_000
BYTES_LIMIT = 1024 * 1024
ITERATOR_LIFETIME_MS = 900_000


def _stream_records(now_ms: NowMs) -> Iterable[Patch]:
    from moto.dynamodb.models.table import Table

    def wrap(specify: Callable[..., None]) -> Callable[..., None]:
        def set_stream_specification(table: Any, streams: dict[str, Any] | None) -> None:
            specify(table, streams)
            if table.stream_specification["StreamEnabled"]:
                attach(table, stream_of(table, now_ms))

        return set_stream_specification

    yield Table, "set_stream_specification", wrap


def stream_of(table: Any, now_ms: NowMs) -> Stream:
    """A new stream of moto's table, as the table's specification says."""
    return Stream(
        arn=f"{table.table_arn}/stream/{table.latest_stream_label}",
        region=table.region_name,
        view_type=table.stream_specification["StreamViewType"],
        key_names=tuple(table.table_key_attrs),
        now_ms=now_ms,
        new_event_id=lambda: uuid.uuid4().hex,
    )


def _shard_iterators(now_ms: NowMs) -> Iterable[Patch]:
    from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

    yield DynamoDBStreamsHandler, "get_shard_iterator", instead(lambda handler: _get_shard_iterator(handler, now_ms))
    yield DynamoDBStreamsHandler, "get_records", instead(lambda handler: _get_records(handler, now_ms))


def _get_shard_iterator(handler: Any, now_ms: NowMs) -> Any:
    from moto.core.responses import ActionResult

    arn, shard_id = handler._get_param("StreamArn"), handler._get_param("ShardId")
    shard = _shard(handler, arn)
    if shard.id != shard_id:
        raise _refusal("ResourceNotFoundException", f"Requested resource not found: Shard: {shard_id} not found")
    position = _position(shard, handler._get_param("ShardIteratorType"), handler._get_param("SequenceNumber"))
    return ActionResult({"ShardIterator": _iterator(arn, position, now_ms())})


def _position(shard: Any, kind: str, sequence_number: str | None) -> int:
    """The sequence number from which an iterator reads."""
    first = shard.starting_sequence_number
    past = first + len(shard.items)
    match kind:
        case "TRIM_HORIZON":
            return int(first)
        case "LATEST":
            return int(past)
        case "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER" if sequence_number is not None:
            number = int(sequence_number)
            if number < first:
                raise _refusal(
                    "TrimmedDataAccessException", "The requested sequence number is older than the trim horizon"
                )
            if number >= past:
                raise _refusal("ValidationException", f"Invalid SequenceNumber: {sequence_number}")
            return number + (kind == "AFTER_SEQUENCE_NUMBER")
        case _:
            raise _refusal("ValidationException", f"Invalid ShardIteratorType {kind} or missing SequenceNumber")


def _iterator(arn: str, position: int, now_ms: int) -> str:
    """An iterator holds all that there is to know of it, so nothing can make it blind."""
    return f"{arn}|1|{base64.b64encode(f'{position}/{now_ms}'.encode()).decode()}"


def _get_records(handler: Any, now_ms: NowMs) -> Any:
    from moto.core.responses import ActionResult

    limit = handler._get_param("Limit", RECORDS_LIMIT)
    if not 1 <= limit <= RECORDS_LIMIT:
        bound = f"less than or equal to {RECORDS_LIMIT}" if limit > 1 else "greater than or equal to 1"
        message = f"Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
        raise _refusal("ValidationException", f"1 validation error detected: {message}")
    arn, _, rest = str(handler._get_param("ShardIterator")).partition("|1|")
    try:
        position, made_at_ms = (int(part) for part in base64.b64decode(rest, validate=True).decode().split("/"))
    except (binascii.Error, ValueError) as error:
        raise _refusal("ValidationException", "Invalid ShardIterator") from error
    if now_ms() - made_at_ms > ITERATOR_LIFETIME_MS:
        raise _refusal("ExpiredIteratorException", "The shard iterator has expired")
    records = _within_limit(_shard(handler, arn).get(position, limit))
    following = _iterator(arn, position + len(records), now_ms())
    return ActionResult({"Records": [_shown(record) for record in records], "NextShardIterator": following})


def _within_limit(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first records that fit into one answer, one at least."""
    total = 0
    for index, record in enumerate(records):
        total += record["dynamodb"]["SizeBytes"]
        if index and total > BYTES_LIMIT:
            return records[:index]
    return records


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the streams API gives it, for moto to serialize: instants and binary values as what they are."""
    change = dict(record["dynamodb"])
    created = change["ApproximateCreationDateTime"]
    if not isinstance(created, datetime):
        change["ApproximateCreationDateTime"] = datetime.fromtimestamp(created, tz=UTC)
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _decoded(value) for name, value in change[image].items()}
    shown = {name: value for name, value in record.items() if name not in ("dynamodb", "eventSourceARN")}
    if "userIdentity" in record:
        identity = record["userIdentity"]
        shown["userIdentity"] = {"Type": identity["type"], "PrincipalId": identity["principalId"]}
    return shown | {"dynamodb": change}


def _decoded(typed: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, value),) = typed.items()
    match kind:
        case "B":
            value = base64.b64decode(value)
        case "BS":
            value = [base64.b64decode(member) for member in value]
        case "L":
            value = [_decoded(member) for member in value]
        case "M":
            value = {name: _decoded(member) for name, member in value.items()}
    return {kind: value}


def _shard(handler: Any, arn: str) -> Any:
    tables = handler.backend.dynamodb.tables
    table = tables.get(arn.rpartition(":table/")[2].partition("/")[0])
    if table is None or table.stream_shard is None:
        raise _refusal("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return table.stream_shard


def _refusal(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    refusal: Exception = JsonRESTError(code, message)
    return refusal


STREAM_RECORDS = Repair(
    name="stream records",
    behaviour="Each change of an item, and nothing else, is one record with the fields of the service.",
    patches=_stream_records,
)
SHARD_ITERATORS = Repair(
    name="shard iterators",
    behaviour="An iterator reads on whatever is written, up to 1,000 records or 1 MB at once, for 15 minutes.",
    patches=_shard_iterators,
)
