"""The engine as a whole, called directly."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.cloud.engine import Engine, EngineError

KEY = {"pk": {"S": "1"}}


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns far more often than usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_transactions_of_several_threads_count_once(hasty_threads: None) -> None:
    """Eight threads, 2,000 transactions called directly: the counter holds one for each OK, the log one item."""
    engine = Engine(account_id="123456789012", region="us-east-1")
    key = {"AttributeName": "pk"}
    table = {"KeySchema": [key | {"KeyType": "HASH"}], "AttributeDefinitions": [key | {"AttributeType": "S"}]}
    engine.call("dynamodb", "CreateTable", {"TableName": "t", "BillingMode": "PAY_PER_REQUEST", **table})
    engine.call("dynamodb", "PutItem", {"TableName": "t", "Item": KEY | {"n": {"N": "0"}}})

    def count(thread: int) -> int:
        ok = 0
        for number in range(250):
            seen = engine.call("dynamodb", "GetItem", {"TableName": "t", "Key": KEY})["Item"]["n"]["N"]
            values = {":seen": {"N": seen}, ":next": {"N": str(int(seen) + 1)}}
            update = {"TableName": "t", "Key": KEY, "UpdateExpression": "SET n = :next"}
            condition = {"ConditionExpression": "n = :seen", "ExpressionAttributeValues": values}
            put = {"TableName": "t", "Item": {"pk": {"S": f"{thread}/{number}"}}}
            actions = {"TransactItems": [{"Put": put}, {"Update": update | condition}]}
            try:
                engine.call("dynamodb", "TransactWriteItems", actions)
                ok += 1
            except EngineError as error:
                if error.code != "TransactionCanceledException":
                    raise
        return ok

    with ThreadPoolExecutor(8) as threads:
        ok = sum(threads.map(count, range(8)))

    assert engine.call("dynamodb", "GetItem", {"TableName": "t", "Key": KEY})["Item"]["n"] == {"N": str(ok)}
    assert engine.call("dynamodb", "Scan", {"TableName": "t", "Select": "COUNT"})["Count"] == ok + 1
