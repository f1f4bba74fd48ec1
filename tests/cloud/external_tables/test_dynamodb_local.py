"""Each oddity of DynamoDB Local, and what is seen of it here: nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.cloud.callers import Caller
from penstock.cloud.clock import JumpingClock
from penstock.cloud.engine import Request
from penstock.cloud.external_tables import ExternalTables
from penstock.cloud.external_tables.stream import ExternalStream
from penstock.cloud.front_door import Call
from penstock.template.models import Template
from tests.cloud.external_tables.dynamodb_local import DynamodbLocal, dynamodb_local
from tests.template.assembly_writer import AssemblyWriter

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "Orders",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
}
CALLER = Caller(name="relay", arn="arn:aws:iam::123456789012:role/relay", access_key="A", secret_key="B")


class Laptop:
    """Tables at an endpoint that stands for DynamoDB Local, and a caller."""

    def __init__(self, tables: ExternalTables, clock: JumpingClock, local: DynamodbLocal) -> None:
        self.tables = tables
        self.clock = clock
        self.local = local
        self.stream: ExternalStream

    async def call(self, operation: str, service: str = "dynamodb", **params: Any) -> dict[str, Any]:
        """Make a call as the front door would pass it on; a refusal is an answer too."""
        request = Request(
            method="POST",
            path="/",
            query="",
            headers={"content-type": "application/x-amz-json-1.0"},
            body=json.dumps(params).encode(),
        )
        call = Call(caller=CALLER, service=service, operation=operation, region="us-east-1", request=request)
        with self.clock.activity(call.activity):
            answer: dict[str, Any] = json.loads((await self.tables.answer(call)).body)
        return answer

    async def records(self) -> list[dict[str, Any]]:
        """The bodies of all records, once everything that is due is here."""
        await self.clock.settled()
        (shard,) = self.stream.shards
        return [dict(record.body) for record in self.stream.read(shard.shard_id, None, 100)]


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """One table with a stream."""
    return AssemblyWriter(tmp_path / "cdk.out").read({"Orders": TABLE})


@pytest.fixture
def on_laptop(another_dynamodb: str, template: Template) -> Callable[[Callable[[Laptop], Awaitable[Any]]], Any]:
    """Let a scenario play with the template's table at the odd endpoint; gives its result."""

    def play(scenario: Callable[[Laptop], Awaitable[Any]]) -> Any:
        async def go() -> Any:
            async with dynamodb_local(another_dynamodb) as (url, local):
                clock = JumpingClock()
                tables = ExternalTables(url, template, clock)
                laptop = Laptop(tables, clock, local)
                try:
                    (laptop.stream,) = (await tables.define()).values()
                    return await scenario(laptop)
                finally:
                    await tables.close()
                    clock.close()

        return asyncio.run(go())

    return play


Play = Callable[[Callable[[Laptop], Awaitable[Any]]], Any]
ITEM = {"pk": {"S": "a"}}


def test_arns_and_regions_are_those_of_the_template(on_laptop: Play, template: Template) -> None:
    """Neither account nor region of the endpoint is seen, and the template's ARNs are understood."""
    (table,) = template.tables

    async def scenario(laptop: Laptop) -> tuple[Any, ...]:
        await laptop.call("PutItem", TableName=table.arn, Item=ITEM)
        described = await laptop.call("DescribeTable", TableName=table.arn)
        stream = await laptop.call("DescribeStream", "streams.dynamodb", StreamArn=table.stream_arn)
        missing = await laptop.call("DescribeTable", TableName="Missing")
        return described["Table"], stream["StreamDescription"], missing, await laptop.records()

    described, stream, missing, (record,) = on_laptop(scenario)

    assert (described["TableArn"], described["LatestStreamArn"]) == (table.arn, table.stream_arn)
    assert (stream["StreamArn"], stream["TableName"]) == (table.stream_arn, "Orders")
    assert (record["awsRegion"], record["eventSourceARN"]) == ("us-east-1", table.stream_arn)
    assert "ddblocal" not in json.dumps([described, stream, missing, record])


def test_arn_in_an_item_stays_as_it_is(on_laptop: Play) -> None:
    """What looks like the name of a table is data when it stands in an item."""
    item = {**ITEM, "ours": {"S": "arn:aws:dynamodb:us-east-1:123456789012:table/Orders"}, "TableName": {"S": "arn:x"}}

    async def scenario(laptop: Laptop) -> Any:
        await laptop.call("PutItem", TableName="Orders", Item=item)
        read = await laptop.call("GetItem", TableName="Orders", Key=ITEM)
        return read["Item"], (await laptop.records())[0]["dynamodb"]["NewImage"]

    assert on_laptop(scenario) == (item, item)


def test_removal_by_time_to_live_is_a_removal_by_the_service(on_laptop: Play) -> None:
    """An event name that nobody knows becomes REMOVE, with the identity of the service."""

    async def scenario(laptop: Laptop) -> list[dict[str, Any]]:
        laptop.local.expired.append(ITEM)
        for key in ("a", "b"):
            await laptop.call("PutItem", TableName="Orders", Item={"pk": {"S": key}})
            await laptop.call("DeleteItem", TableName="Orders", Key={"pk": {"S": key}})
        return [record for record in await laptop.records() if record["eventName"] != "INSERT"]

    by_service, by_caller = on_laptop(scenario)

    assert by_service["eventName"] == by_caller["eventName"] == "REMOVE"
    assert by_service["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert "userIdentity" not in by_caller


def test_empty_map_in_an_image_has_its_type(on_laptop: Play) -> None:
    """At any depth."""
    item = {**ITEM, "m": {"M": {}}, "deep": {"L": [{"M": {"x": {"M": {}}}}]}, "l": {"L": []}}

    async def scenario(laptop: Laptop) -> Any:
        await laptop.call("PutItem", TableName="Orders", Item=item)
        return (await laptop.records())[0]["dynamodb"]["NewImage"]

    assert on_laptop(scenario) == item


def test_iterator_from_before_the_first_write_loses_nothing(on_laptop: Play) -> None:
    """The refusal is overcome by a fresh iterator, and every record comes once."""

    async def scenario(laptop: Laptop) -> tuple[list[dict[str, Any]], int]:
        await laptop.local.read_early.wait()
        await laptop.call("PutItem", TableName="Orders", Item=ITEM)
        await laptop.call("PutItem", TableName="Orders", Item={"pk": {"S": "b"}})
        return await laptop.records(), laptop.local.refusals

    records, refusals = on_laptop(scenario)

    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["a", "b"]
    assert refusals == 1


def test_record_has_the_second_in_which_it_came(on_laptop: Play) -> None:
    """Times are those of the application's clock, in whole seconds, not the endpoint's minutes."""

    async def scenario(laptop: Laptop) -> tuple[int, float, int]:
        laptop.clock.skipped_ms = 3_600_000
        before = laptop.clock.now_ms()
        await laptop.call("PutItem", TableName="Orders", Item=ITEM)
        (record,) = await laptop.records()
        return before, record["dynamodb"]["ApproximateCreationDateTime"], laptop.clock.now_ms()

    before, told, after = on_laptop(scenario)

    assert before // 1000 <= told <= after // 1000


def test_capacity_of_a_transaction_is_left_out(on_laptop: Play) -> None:
    """Rather no figure than a wrong one; the transaction itself takes place."""

    async def scenario(laptop: Laptop) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        puts = [{"Put": {"TableName": "Orders", "Item": {"pk": {"S": key}}}} for key in "ab"]
        answer = await laptop.call("TransactWriteItems", TransactItems=puts, ReturnConsumedCapacity="TOTAL")
        return answer, await laptop.records()

    answer, records = on_laptop(scenario)

    assert "ConsumedCapacity" not in answer
    assert len(records) == 2
