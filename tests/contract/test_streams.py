"""What the DynamoDB Streams API promises."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.endpoint import Endpoint, Table


def keys(records: list[dict[str, Any]]) -> list[str]:
    """The partition keys of records."""
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]


@pytest.mark.needs_repair("stream records", "shard iterators")
def test_record_has_the_fields_of_the_service(endpoint: Endpoint, table: Table) -> None:
    """Region, version, size by the recorded rule and whole seconds; binary values come back as they were."""
    table.put(pk={"S": "1"}, n={"N": "42"}, b={"B": b"\x00\xff\x10"})

    (record,) = table.records(expected=1)

    change = record["dynamodb"]
    created = change["ApproximateCreationDateTime"]
    assert record["awsRegion"] == endpoint.dynamodb.meta.region_name
    assert (record["eventVersion"], record["eventSource"], record["eventName"]) == ("1.1", "aws:dynamodb", "INSERT")
    assert change["NewImage"]["b"] == {"B": b"\x00\xff\x10"}
    assert change["SizeBytes"] == len("pk1") + len("pk1") + len("n") + 2 + len("b") + 3
    assert created.microsecond == 0
    assert abs((datetime.now(tz=UTC) - created).total_seconds()) < 86_400
    assert "userIdentity" not in record


@pytest.mark.needs_repair("shard iterators")
def test_iterator_types_say_where_to_begin(table: Table) -> None:
    """TRIM_HORIZON begins at the oldest, LATEST after the newest, the others at or after a sequence number."""
    for pk in "abc":
        table.put(pk={"S": pk})
    latest = table.shard_iterator("LATEST")
    numbers = [record["dynamodb"]["SequenceNumber"] for record in table.records(expected=3)]
    at = table.shard_iterator("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1])
    after = table.shard_iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[1])
    table.put(pk={"S": "d"})

    assert keys(table.records(expected=4)) == ["a", "b", "c", "d"]
    assert keys(table.records(latest, expected=1)) == ["d"]
    assert keys(table.records(at, expected=3)) == ["b", "c", "d"]
    assert keys(table.records(after, expected=2)) == ["c", "d"]
    assert numbers == sorted(numbers, key=int)


@pytest.mark.needs_repair("shard iterators")
def test_answer_holds_a_megabyte_at_most(table: Table) -> None:
    """Large records come in several answers, none lost."""
    for number in range(8):
        table.put(pk={"S": str(number)}, text={"S": "x" * 300_000})
    iterator, answers = table.shard_iterator(), list[list[dict[str, Any]]]()
    while sum(map(len, answers)) < 8:
        answer = table.streams.get_records(ShardIterator=iterator)
        answers.append(answer["Records"])
        iterator = answer["NextShardIterator"]

    assert max(map(len, answers)) == 3
    assert [key for records in answers for key in keys(records)] == [str(number) for number in range(8)]


@pytest.mark.needs_repair("shard iterators")
@pytest.mark.parametrize("limit", [0, 1_001])
def test_fails_when_the_limit_is_out_of_range(table: Table, limit: int) -> None:
    """GetRecords takes a limit of 1 to 1,000."""
    with pytest.raises(ClientError, match="failed to satisfy constraint") as refused:
        table.streams.get_records(ShardIterator=table.shard_iterator(), Limit=limit)

    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.needs_repair("shard iterators")
def test_fails_when_an_iterator_is_none(table: Table) -> None:
    """An iterator that was never given out is a ValidationException, a stream that is not there ResourceNotFound."""
    missing = table.stream_arn.replace(table.name, "missing-table")
    shard_id = table.streams.describe_stream(StreamArn=table.stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]

    with pytest.raises(ClientError, match="ValidationException"):
        table.streams.get_records(ShardIterator=f"{table.stream_arn}|1|nonsense")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        table.streams.get_shard_iterator(StreamArn=missing, ShardId=shard_id, ShardIteratorType="LATEST")


@pytest.mark.embedded
@pytest.mark.needs_repair("shard iterators")
def test_iterator_expires(endpoint: Endpoint, table: Table) -> None:
    """An iterator is valid for 15 minutes, and the one that follows it for 15 more."""
    iterator = table.shard_iterator()
    endpoint.pass_time(890_000)
    following = table.streams.get_records(ShardIterator=iterator)["NextShardIterator"]
    endpoint.pass_time(20_000)

    table.streams.get_records(ShardIterator=following)
    with pytest.raises(ClientError, match="ExpiredIteratorException"):
        table.streams.get_records(ShardIterator=iterator)
