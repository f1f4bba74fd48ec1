"""The meter of the tables: what calls consume, item by item, as AWS counts it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from penstock.cloud.call_counter import CallCounter
from penstock.cloud.callers import Callers
from penstock.cloud.capacity import Charge
from penstock.cloud.engine import Engine, Reply, Request
from penstock.cloud.front_door import Call
from penstock.cloud.metered_tables import MeteredTables
from penstock.cloud.named_items import actions_of, table_name

CALLERS = Callers(account_id="123456789012", seed="0")
STRING_KEY = {"AttributeName": "k", "KeyType": "HASH"}
GLOBAL_INDEX = {
    "IndexName": "ByStatus",
    "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


class Metered:
    """Tables ``t`` (plain), ``ranged`` (two keys) and ``indexed``, and the charges of the last call."""

    def __init__(self) -> None:
        self.engine = Engine(account_id="123456789012", region="us-east-1")
        self.charges: list[Charge] = []
        self._tables = MeteredTables(self.engine, on_consumed=self._consumed)
        self._create("t", STRING_KEY)
        self._create("ranged", STRING_KEY, {"AttributeName": "r", "KeyType": "RANGE"})
        self._create("indexed", STRING_KEY, GlobalSecondaryIndexes=[GLOBAL_INDEX])

    def call(self, operation: str, **parameters: Any) -> Reply:
        """Make a call and remember what it consumed."""
        self.charges = []
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
        request = Request(method="POST", path="/", query="", headers=headers, body=json.dumps(parameters).encode())
        call = Call(
            caller=CALLERS.operator, service="dynamodb", operation=operation, region="us-east-1", request=request
        )
        return asyncio.run(self._tables.answer(call))

    def put(self, key: str, size_bytes: int, table: str = "t", **more: Any) -> None:
        """Put an item of a size in bytes."""
        item = {"k": {"S": key}, "x": {"S": "y" * (size_bytes - len(key) - 2)}, **more}
        assert self.call("PutItem", TableName=table, Item=item).status == 200

    def _consumed(self, _: Call, charges: Sequence[Charge]) -> None:
        self.charges += charges

    def _create(self, name: str, *schema: dict[str, str], **more: Any) -> None:
        names = [key["AttributeName"] for key in schema] + (["status"] if more else [])
        attributes = [{"AttributeName": each, "AttributeType": "S"} for each in names]
        table = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": list(schema), **more}
        self.engine.call("dynamodb", "CreateTable", {**table, "AttributeDefinitions": attributes})

    @property
    def units(self) -> list[tuple[str, str, float]]:
        """(table or index, kind, units) of the last call."""
        return [(c.index.name if c.index else c.table, c.kind, c.units) for c in self.charges]


@pytest.fixture
def metered() -> Metered:
    """Fresh tables."""
    return Metered()


def test_put_costs_the_larger_of_old_and_new(metered: Metered) -> None:
    """A shrinking item costs what it was."""
    metered.put("1", 3000)
    assert metered.units == [("t", "write", 3)]

    metered.put("1", 10)

    assert metered.units == [("t", "write", 3)]


def test_update_costs_the_larger_of_old_and_new(metered: Metered) -> None:
    """What an update makes of an item is weighed too."""
    metered.put("1", 1000)

    metered.call(
        "UpdateItem",
        TableName="t",
        Key={"k": {"S": "1"}},
        UpdateExpression="SET z = :z",
        ExpressionAttributeValues={":z": {"S": "z" * 1100}},
    )

    assert metered.units == [("t", "write", 3)]


@pytest.mark.parametrize(
    "change",
    [
        {"UpdateExpression": "SET z = :z", "ExpressionAttributeValues": {":z": {"S": "z" * 5000}}},
        {"UpdateExpression": "SET z = if_not_exists(z, :z)", "ExpressionAttributeValues": {":z": {"S": "z" * 5000}}},
        {"AttributeUpdates": {"z": {"Action": "PUT", "Value": {"S": "z" * 5000}}}},
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_update_is_weighed_with_all_that_it_sets(metered: Metered, change: dict[str, Any], *, there: bool) -> None:
    """Whichever way an item is updated or made by an update, later calls find it as heavy as it became."""
    if there:
        metered.put("1", 10)

    metered.call("UpdateItem", TableName="t", Key={"k": {"S": "1"}}, **change)
    assert metered.units == [("t", "write", 5)]

    metered.call("GetItem", TableName="t", Key={"k": {"S": "1"}}, ConsistentRead=True)
    assert metered.units == [("t", "read", 2)]


def test_delete_costs_the_item_or_one_unit(metered: Metered) -> None:
    """A delete of what is not there is a write all the same."""
    metered.put("1", 2000)

    metered.call("DeleteItem", TableName="t", Key={"k": {"S": "1"}})
    assert metered.units == [("t", "write", 2)]

    metered.call("DeleteItem", TableName="t", Key={"k": {"S": "1"}})
    assert metered.units == [("t", "write", 1)]


def test_failed_condition_consumes_write_units(metered: Metered) -> None:
    """By the larger of the item that is there and the one that was meant to be."""
    metered.put("1", 2000)
    refused = metered.call(
        "PutItem",
        TableName="t",
        Item={"k": {"S": "1"}, "x": {"S": "y" * 4000}},
        ConditionExpression="attribute_not_exists(k)",
    )
    assert refused.status == 400
    assert metered.units == [("t", "write", 4)]

    metered.call("DeleteItem", TableName="t", Key={"k": {"S": "9"}}, ConditionExpression="attribute_exists(k)")
    assert metered.units == [("t", "write", 1)]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("PutItem", {"TableName": "t", "Item": {"x": {"S": "no key"}}}),
        ("PutItem", {"TableName": "none", "Item": {"k": {"S": "1"}}}),
        ("UpdateItem", {"TableName": "t", "Key": {"other": {"S": "1"}}}),
        ("TransactWriteItems", {"TransactItems": [{"Replace": {}}]}),
        ("BatchWriteItem", {"RequestItems": {"none": [{"DeleteRequest": {"Key": {"k": {"S": "1"}}}}]}}),
    ],
)
def test_malformed_call_costs_nothing(metered: Metered, operation: str, parameters: dict[str, Any]) -> None:
    """What the service refuses before it looks at an item is free."""
    assert metered.call(operation, **parameters).status >= 400
    assert metered.units == []


@pytest.mark.parametrize(("strong", "units"), [(False, 1.0), (True, 2.0)])
def test_get_costs_the_whole_item(metered: Metered, strong: bool, units: float) -> None:
    """A projection makes a read no cheaper; strong consistency doubles it."""
    metered.put("1", 8000)

    metered.call("GetItem", TableName="t", Key={"k": {"S": "1"}}, ProjectionExpression="k", ConsistentRead=strong)

    assert metered.units == [("t", "read", units)]


def test_get_of_a_missing_item_costs_a_read(metered: Metered) -> None:
    """Nothing found is half a unit."""
    metered.call("GetItem", TableName="t", Key={"k": {"S": "9"}})

    assert metered.units == [("t", "read", 0.5)]


def test_batch_get_rounds_each_item(metered: Metered) -> None:
    """The documented example: 1.5 KB and 6.5 KB are 4 KB and 8 KB."""
    metered.put("1", 1536)
    metered.put("2", 6656)

    metered.call("BatchGetItem", RequestItems={"t": {"Keys": [{"k": {"S": "1"}}, {"k": {"S": "2"}}]}})

    assert metered.units == [("t", "read", 0.5), ("t", "read", 1.0)]


def test_batch_write_rounds_each_item(metered: Metered) -> None:
    """The documented example: 500 bytes and 3.5 KB are 1 KB and 4 KB."""
    requests: list[dict[str, Any]] = [
        {"PutRequest": {"Item": {"k": {"S": str(n)}, "x": {"S": "y" * n}}}} for n in (494, 3577)
    ]

    metered.call("BatchWriteItem", RequestItems={"t": [*requests, {"DeleteRequest": {"Key": {"k": {"S": "9"}}}}]})

    assert metered.units == [("t", "write", 1), ("t", "write", 4), ("t", "write", 1)]


def test_query_sums_before_rounding(metered: Metered) -> None:
    """Ten items of 500 bytes are 5,000 bytes, which are two times 4 KB."""
    for number in range(10):
        metered.put("1", 498, table="ranged", r={"S": str(number)})

    query = {
        "TableName": "ranged",
        "KeyConditionExpression": "k = :k",
        "ExpressionAttributeValues": {":k": {"S": "1"}},
        "ConsistentRead": True,
    }
    metered.call("Query", **query)
    assert metered.units == [("ranged", "read", 2)]

    filtered = query | {"ExpressionAttributeValues": {":k": {"S": "1"}, ":x": {"S": "none"}}}
    reply = metered.call("Query", **filtered, FilterExpression="#x = :x", ExpressionAttributeNames={"#x": "x"})
    assert json.loads(reply.body)["Items"] == []
    assert metered.units == [("ranged", "read", 2)]

    metered.call("Query", **query, Select="COUNT", Limit=2)
    assert metered.units == [("ranged", "read", 1)]


def test_scan_of_nothing_costs_a_read(metered: Metered) -> None:
    """An empty table is looked at all the same."""
    metered.call("Scan", TableName="t", ProjectionExpression="k")

    assert metered.units == [("t", "read", 0.5)]


def test_transaction_costs_twice(metered: Metered) -> None:
    """Prepare and commit; a ConditionCheck costs like a write of its item."""
    metered.put("1", 1500)
    written = metered.call(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "t", "Item": {"k": {"S": "2"}}}},
            {
                "ConditionCheck": {
                    "TableName": "t",
                    "Key": {"k": {"S": "1"}},
                    "ConditionExpression": "attribute_exists(k)",
                }
            },
        ],
    )
    assert written.status == 200
    assert metered.units == [("t", "write", 2), ("t", "write", 4)]

    metered.call("TransactGetItems", TransactItems=[{"Get": {"TableName": "t", "Key": {"k": {"S": "1"}}}}])
    assert metered.units == [("t", "read", 2)]


def test_cancelled_transaction_consumes_write_units(metered: Metered) -> None:
    """A condition that fails within a transaction is not free either."""
    cancelled = metered.call(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "t", "Item": {"k": {"S": "2"}}}},
            {
                "Delete": {
                    "TableName": "t",
                    "Key": {"k": {"S": "1"}},
                    "ConditionExpression": "attribute_exists(k)",
                }
            },
        ],
    )

    assert cancelled.status == 400
    assert metered.units == [("t", "write", 2), ("t", "write", 2)]


def test_index_is_charged_apart(metered: Metered) -> None:
    """A change that the index does not hold costs the table alone; one of its key costs it two writes."""
    metered.put("1", 100, table="indexed", status={"S": "PLACED"})
    assert metered.units == [("indexed", "write", 1), ("ByStatus", "write", 1)]

    metered.put("1", 200, table="indexed", status={"S": "PLACED"})
    assert metered.units == [("indexed", "write", 1)]

    metered.put("1", 200, table="indexed", status={"S": "PACKED"})
    assert metered.units == [("indexed", "write", 1), ("ByStatus", "write", 2)]


def test_query_of_an_index_reads_its_entries(metered: Metered) -> None:
    """Entries that hold keys only are small, however large the items are."""
    metered.put("1", 9000, table="indexed", status={"S": "PLACED"})

    metered.call(
        "Query",
        TableName="indexed",
        IndexName="ByStatus",
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "PLACED"}},
    )

    assert metered.units == [("ByStatus", "read", 0.5)]


def test_consumed_capacity_is_answered_by_the_same_figures(metered: Metered) -> None:
    """ReturnConsumedCapacity tells what was charged, a list where the call is about several items."""
    item = {"k": {"S": "1"}, "status": {"S": "PLACED"}, "x": {"S": "é" * 1000}}
    put = metered.call("PutItem", TableName="indexed", Item=item, ReturnConsumedCapacity="INDEXES")
    assert json.loads(put.body) == {
        "ConsumedCapacity": {
            "TableName": "indexed",
            "CapacityUnits": 3.0,
            "Table": {"CapacityUnits": 2.0},
            "GlobalSecondaryIndexes": {"ByStatus": {"CapacityUnits": 1.0}},
        }
    }

    keys = {"Keys": [{"k": {"S": "1"}}], "ConsistentRead": True}
    got = metered.call("BatchGetItem", RequestItems={"indexed": keys}, ReturnConsumedCapacity="TOTAL")
    assert json.loads(got.body)["ConsumedCapacity"] == [{"TableName": "indexed", "CapacityUnits": 1.0}]
    assert json.loads(got.body)["Responses"] == {"indexed": [item]}


def test_capacity_is_not_told_unasked(metered: Metered) -> None:
    """moto tells a constant at every update; AWS does not."""
    update = metered.call("UpdateItem", TableName="t", Key={"k": {"S": "1"}}, UpdateExpression="REMOVE z")

    assert json.loads(update.body) == {}


def test_table_may_be_named_by_its_arn() -> None:
    """Calls take either; counts know the name."""
    assert table_name("arn:aws:dynamodb:us-east-1:123456789012:table/t") == table_name("t") == "t"


def test_only_calls_that_name_items_have_actions() -> None:
    """Reading by condition and everything about tables goes another way."""
    assert [list(actions_of(name, {"TableName": "t"})) for name in ("Query", "Scan", "DescribeTable")] == [[], [], []]


def test_units_are_counted_by_caller_and_by_invocation() -> None:
    """A session's part is handed over once; the caller's sum stays."""
    counter = CallCounter()
    callers = Callers(account_id="123456789012", seed="0")
    role = "arn:aws:iam::123456789012:role/relay"
    first, second = (callers.register("Relay", role, session=session) for session in "ab")
    request = Request(method="POST", path="/", query="", headers={}, body=b"{}")

    async def proceed(call: Call) -> Reply:
        counter.consumed(call, [Charge(table="t", kind="write", units=2.0), Charge(table="t", kind="read", units=0.5)])
        return Reply(status=200)

    async def use() -> None:
        for caller in (first, second, first):
            call = Call(caller=caller, service="dynamodb", operation="PutItem", region="us-east-1", request=request)
            await counter(call, proceed)

    asyncio.run(use())

    usage = counter.end_invocation("a")
    assert (usage.calls, usage.write_units, usage.read_units) == ({("dynamodb", "PutItem"): 2}, 4.0, 1.0)
    assert counter.end_invocation("a").calls == {}
    assert counter.calls == {("Relay", "dynamodb", "PutItem"): 3}
    assert counter.units == {("Relay", "t", "write"): 6.0, ("Relay", "t", "read"): 1.5}


def test_statements_cost_like_the_calls_they_stand_for(metered: Metered) -> None:
    """INSERT, UPDATE, DELETE and SELECT by key; a failed condition costs, a statement that cannot be read does not."""
    metered.put("1", 2000)
    key = {"Parameters": [{"S": "1"}]}

    metered.call("ExecuteStatement", Statement='SELECT * FROM "t" WHERE k = ?', ConsistentRead=True, **key)
    assert metered.units == [("t", "read", 1)]

    metered.call("ExecuteStatement", Statement="UPDATE \"t\" SET x = 'y' WHERE k = ?", **key)
    assert metered.units == [("t", "write", 2)]

    metered.call("ExecuteStatement", Statement='DELETE FROM "t" WHERE k = ?', **key)
    assert metered.units == [("t", "write", 1)]

    reply = metered.call(
        "BatchExecuteStatement",
        Statements=[
            {"Statement": "INSERT INTO \"t\" VALUE {'k': ?, 'x': ?}", "Parameters": [{"S": "2"}, {"S": "y" * 1500}]},
            {"Statement": "UPDATE \"t\" SET x = 'y' WHERE k = 'none'"},
            {"Statement": "UPSERT nonsense"},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert metered.units == [("t", "write", 2), ("t", "write", 1)]
    told = [{"TableName": "t", "CapacityUnits": units} for units in (2.0, 1.0)]
    assert json.loads(reply.body)["ConsumedCapacity"] == told


def test_statement_without_a_whole_key_costs_what_it_gives(metered: Metered) -> None:
    """A SELECT that looks for its items reads them all at once."""
    for number in range(10):
        metered.put("1", 998, table="ranged", r={"S": str(number)})

    metered.call("ExecuteStatement", Statement="SELECT * FROM \"ranged\" WHERE k = '1'")
    assert metered.units == [("ranged", "read", 1.5)]

    metered.call("ExecuteStatement", Statement='SELECT * FROM "indexed"."ByStatus" WHERE status = \'none\'')
    assert metered.units == [("ByStatus", "read", 0.5)]


def test_transaction_of_statements_costs_twice(metered: Metered) -> None:
    """EXISTS is a ConditionCheck by another name."""
    metered.put("1", 100)

    metered.call(
        "ExecuteTransaction",
        TransactStatements=[
            {"Statement": "INSERT INTO \"t\" VALUE {'k': '2'}"},
            {"Statement": "EXISTS(SELECT * FROM \"t\" WHERE k = '1' AND x <> 'no')"},
        ],
    )

    assert metered.units == [("t", "write", 2), ("t", "write", 2)]


def test_repeated_request_token_is_charged_as_a_read(metered: Metered) -> None:
    """The second time nothing is written: an item of 1.5 KB costs 4 write units, then 2 read units."""
    item = {"k": {"S": "1"}, "x": {"S": "y" * 1500}}
    asked = {"TransactItems": [{"Put": {"TableName": "t", "Item": item}}], "ClientRequestToken": "once"}

    metered.call("TransactWriteItems", **asked)
    assert metered.units == [("t", "write", 4)]

    reply = metered.call("TransactWriteItems", **asked, ReturnConsumedCapacity="TOTAL")
    assert metered.units == [("t", "read", 2)]
    (told,) = json.loads(reply.body)["ConsumedCapacity"]
    assert told == {"TableName": "t", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}


def test_meter_outlives_a_reset(metered: Metered) -> None:
    """What the engine holds after it forgot everything is weighed like what it held before."""
    metered.engine.reset()
    metered._create("t", STRING_KEY)

    metered.put("1", 3 * 1024)

    assert metered.units == [("t", "write", 3)]
